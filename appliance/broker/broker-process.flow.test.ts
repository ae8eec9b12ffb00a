/** The broker as it runs: its own process, a real pcscd, a SAM that tells when its power goes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { rounds, tellTimes } from '#clinic/testing/figures.ts';
import { type Behaviour, mute, slow } from '#drivers/simulated/faults.ts';
import type { SamClient } from './sam-client.ts';
import { BrokerProcess } from './testing/broker-process.ts';

let run: BrokerProcess;
let client: SamClient;
const GRACE_MS = 1_000;
const WIPES = rounds(5, 100);
/** Each takes the reader away for more than a second. */
const HUNG = rounds(2, 100);
const LONG_MS = 900_000;
/** @see provisioning/systemd/sekisho-broker.service */
const EX_POWER_STAYS = 76;
/** The longest work of a contact chip, without and with RSA-2048 (`drivers/simulated/timing.ts`). */
const COMMANDS_MS = [95, 200] as const;

beforeAll(async () => {
  run = await BrokerProcess.make();
});
afterAll(() => run.stop());
afterEach(async () => {
  run.faults.length = 0;
  await client.close();
  await run.endGateway();
  await run.endBroker('SIGKILL');
});

async function start(graceMs?: number): Promise<void> {
  await run.startBroker(graceMs);
  client = await run.startGateway();
}

/** Unlocked, and for so long in the middle of a command that behaves so. */
async function askAnd(fault: Behaviour, forMs: number) {
  const sam = await run.reopenUnlocked(client);
  run.faults.push(fault);
  let hasEnded = false;
  const ended = sam.challenge().then(
    () => 'answered',
    ({ code }: { readonly code?: string }) => code ?? 'no code',
  );
  void ended.then(() => {
    hasEnded = true;
  });
  await sleep(forMs);
  return {
    /** A busy machine sleeps longer than it is told. */
    isMidway: () => !hasEnded,
    /** What was asked is told by nobody, unless it was under way to the asker when the order came. */
    async lossAfter(cause: () => unknown): Promise<number> {
      const sinceMs = performance.now();
      const causing = cause();
      const lossMs = await run.sam.lossAfter(sinceMs);
      run.faults.length = 0;
      expect(await ended).toMatch(/^(sam\.|answered$)/);
      await causing;
      return lossMs;
    },
  };
}

/** That it happens is asserted; how soon is told, and judged by the benchmark. */
async function measure(what: string, act: () => unknown): Promise<number> {
  const sinceMs = performance.now();
  const acting = act();
  const lossMs = await run.sam.lossAfter(sinceMs);
  await acting;
  process.stdout.write(`${what} -> SAM without power or reset: ${lossMs.toFixed(1)} ms\n`);
  return lossMs;
}

describe('the SAM loses its unlock', () => {
  test('when the lease is ended', async () => {
    await start();
    await run.openUnlocked(client);
    await measure('endLease', () => client.lease.end('link-down'));
    const sam = await client.open(new AbortController().signal);
    expect((await sam.status()).state).toBe('locked');
  });

  test('when the anchor is silent: after the grace time, and not before', async () => {
    await start(GRACE_MS);
    await run.openUnlocked(client);
    const lossMs = await measure('last question', () => run.lease(client));
    // A timer may be early by less than a millisecond.
    expect(lossMs).toBeGreaterThan(GRACE_MS - 1);
  });

  test('when it is wiped, each time', async () => {
    await start();
    const times: number[] = [];
    for (let count = 0; count < WIPES; count += 1) {
      await run.openUnlocked(client);
      await sleep(Math.random() * 50);
      const sinceMs = performance.now();
      const wiped = client.wipe('tampered');
      times.push(await run.sam.lossAfter(sinceMs));
      await wiped;
    }
    tellTimes('ordered-wipe', times, WIPES);
    expect(times).toHaveLength(WIPES);
  }, 300_000);

  test.each(COMMANDS_MS)(
    'when it is wiped in the middle of a command of %d ms, each time',
    async (lastsMs) => {
      await start();
      const times: number[] = [];
      while (times.length < WIPES) {
        const command = await askAnd(slow(lastsMs), 10 + Math.random() * (lastsMs - 20));
        const isMidway = command.isMidway();
        const lossMs = await command.lossAfter(() => client.wipe('tampered'));
        if (isMidway) times.push(lossMs);
      }
      tellTimes(`ordered-wipe-in-apdu-of-${lastsMs}ms`, times, WIPES);
      expect(times).toHaveLength(WIPES);
    },
    LONG_MS,
  );

  /** vpcd waits for an answer for ever, as a reader does while its SAM asks for more time again and again. */
  test.each([
    ['is wiped', 'ordered-wipe-of-hung-sam', undefined, () => client.wipe('tampered')],
    ['loses its link', 'link-down-with-hung-sam', undefined, () => client.lease.end('link-down')],
    [
      'hears its anchor no more',
      `anchor-silent-grace-${GRACE_MS}ms-with-hung-sam`,
      GRACE_MS,
      () => run.lease(client),
    ],
  ])(
    'when it %s in the middle of a command that never ends, and works again without hands, each time',
    async (_what, name, graceMs, cause) => {
      await start(graceMs);
      const [times, back]: [number[], number[]] = [[], []];
      for (let count = 0; count < HUNG; count += 1) {
        const midway = await askAnd(mute(), 20);
        times.push(await midway.lossAfter(cause));
        const sinceMs = performance.now();
        await run.reopenUnlocked(client);
        back.push(performance.now() - sinceMs);
      }
      tellTimes(name, times, HUNG);
      tellTimes(`${name}-back`, back, HUNG);
      expect(back).toHaveLength(HUNG);
    },
    LONG_MS,
  );

  test('before a new broker does anything else, when the old one was killed in the middle of a command that never ends', async () => {
    await start();
    const midway = await askAnd(mute(), 20);
    await midway.lossAfter(async () => {
      await run.endBroker('SIGKILL');
      await client.close();
      await run.startBroker();
    });
    client = await run.startGateway();
    expect((await (await client.open(new AbortController().signal)).status()).state).toBe('locked');
  });

  /** A reader that is on no USB port: the broker ends itself, and systemd ends pcscd. */
  test('when it is wiped and no USB port can be switched off', async () => {
    await run.startBroker(undefined, { usb: 'none' });
    client = await run.startGateway();
    const midway = await askAnd(mute(), 20);
    const times = [
      await midway.lossAfter(async () => {
        client.wipe('tampered').catch(() => undefined);
        expect(await run.untilBrokerEnds()).toBe(EX_POWER_STAYS);
        await run.restartPcscd();
      }),
    ];
    tellTimes('ordered-wipe-of-hung-sam-without-usb', times, 1);
    await client.close();
    await start();
    expect((await run.reopenUnlocked(client)).samId).toBeDefined();
  });

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    'when the broker is told to stop by %s',
    async (signal) => {
      await start();
      await run.openUnlocked(client);
      await measure(signal, () => run.endBroker(signal));
      expect(run.broker?.exitCode).toBe(0);
    },
  );

  test('when the broker is killed with -9', async () => {
    await start();
    await run.openUnlocked(client);
    await measure('broker kill -9', () => run.endBroker('SIGKILL'));
  });

  test('when the gateway is killed with -9', async () => {
    await start();
    await run.openUnlocked(client);
    await measure('gateway kill -9', () => run.endGateway('SIGKILL'));
  });

  test('when the gateway hangs: no answer reaches the broker, which waits no longer than the grace time', async () => {
    await start(GRACE_MS);
    await run.openUnlocked(client);
    await measure('gateway SIGSTOP', () => run.gateway?.kill('SIGSTOP'));
    run.gateway?.kill('SIGCONT');
  });

  test('before a new broker does anything else, when the old one could not', async () => {
    await start();
    await run.openUnlocked(client);
    await run.endBroker('SIGKILL');
    await client.close();
    await run.startBroker();
    expect(run.sam.isPowered).toBe(false);
    client = await run.startGateway();
    const sam = await client.open(new AbortController().signal);
    expect((await sam.status()).state).toBe('locked');
  });
});
