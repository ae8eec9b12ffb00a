/**
 * From what happens to the box to a SAM without power, with every process and wire as installed. What is asserted is that it
 * happens each time; how fast is printed, and compared with what is promised by `npm run -s bench -- --only lock`.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cleanUpLab } from '#lease/testing/network-lab.ts';
import { rounds, tellTimes } from './testing/figures.ts';
import { GuardedClinic } from './testing/guarded-clinic.ts';

/** The shortest that the configuration takes. */
const GRACE_MS = 1_000;
/** The longest: where something else ends the lease, a busy machine does not end it first. */
const LONG_GRACE_MS = 15_000;
const TIMES = rounds(5, 100);
const LIMIT_MS = 600_000;
let clinic: GuardedClinic;

function useClinic(graceMs: number): void {
  beforeAll(async () => {
    clinic = await GuardedClinic.open(graceMs);
  });
  afterAll(async () => {
    await clinic?.close();
    cleanUpLab();
  });
}

/** Milliseconds from the cause to the loss, and from `undo` done to a box that works again. */
async function lose(
  cause: () => unknown,
  undo: () => unknown,
): Promise<{ readonly lostMs: number; readonly backMs: number }> {
  await clinic.untilOpen();
  expect(clinic.sam.isPowered).toBe(true);
  const causedMs = performance.now();
  const causing = cause();
  const lostMs = await clinic.sam.lossAfter(causedMs);
  await causing;
  const grants = clinic.sam.grants;
  await undo();
  const undoneMs = performance.now();
  await clinic.untilOpen(grants);
  return { lostMs, backMs: performance.now() - undoneMs };
}

async function measure(
  name: string,
  times: number,
  cause: () => unknown,
  undo: () => unknown,
  nameOfReturn?: string,
): Promise<void> {
  const [lost, back]: [number[], number[]] = [[], []];
  for (let count = 0; count < times; count += 1) {
    const { lostMs, backMs } = await lose(cause, undo);
    lost.push(lostMs);
    back.push(backMs);
  }
  tellTimes(name, lost, times);
  if (nameOfReturn !== undefined) tellTimes(nameOfReturn, back, times);
  expect(lost).toHaveLength(times);
}

describe('the SAM loses its power at once', () => {
  useClinic(LONG_GRACE_MS);

  test(
    'when the cable is pulled, and works again without hands when it is back',
    async () => {
      const { cable } = clinic;
      await measure(
        'link-down',
        TIMES,
        () => cable.set('down'),
        () => cable.set('up'),
        'lease-back',
      );
    },
    LIMIT_MS,
  );

  test(
    'when the gateway is killed with -9',
    async () => {
      await measure(
        'gateway-kill-9',
        TIMES,
        () => clinic.killAppliance(),
        () => clinic.startAppliance(),
      );
    },
    LIMIT_MS,
  );

  test(
    'when the broker is killed with -9',
    async () => {
      await measure(
        'broker-kill-9',
        TIMES,
        () => clinic.killBroker(),
        () => clinic.startBroker(),
      );
    },
    LIMIT_MS,
  );
});

describe('the SAM loses its power within the grace', () => {
  useClinic(GRACE_MS);

  test(
    'when the anchor is silent',
    async () => {
      const { child } = clinic.anchor;
      await measure(
        `anchor-silent-grace-${GRACE_MS}ms`,
        TIMES,
        () => child.kill('SIGSTOP'),
        () => child.kill('SIGCONT'),
      );
    },
    LIMIT_MS,
  );

  test(
    'when the gateway hangs',
    async () => {
      await measure(
        `gateway-sigstop-grace-${GRACE_MS}ms`,
        rounds(2, 25),
        () => clinic.appliance.signal('SIGSTOP'),
        () => clinic.appliance.signal('SIGCONT'),
      );
    },
    LIMIT_MS,
  );
});
