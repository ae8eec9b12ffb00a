/** The broker as it runs: its own process, a real pcscd, a SAM that tells when its power goes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { rounds, tellTimes } from '#clinic/testing/figures.ts';
import { mute, slow } from '#drivers/simulated/faults.ts';
import type { SamClient } from './sam-client.ts';
import { BrokerProcess } from './testing/broker-process.ts';

let run: BrokerProcess;
let client: SamClient;
const GRACE_MS = 1_000;
const WIPES = rounds(5, 100);
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

  test('when it is wiped in the middle of a command that never ends', async () => {
    await start();
    const sam = await run.openUnlocked(client);
    run.faults.push(mute());
    const hanging = sam.challenge();
    hanging.catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const wiped = client.wipe('tampered');
    await expect(hanging).rejects.toMatchObject({ code: expect.stringMatching(/^sam\./) });
    await wiped;
    expect(client.current).toBeUndefined();
    // vpcd waits for the answer for ever, where a real driver gives up: only a SAM that leaves frees the slot.
    await run.reinsertSam();
    expect(run.sam.isPowered).toBe(false);
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

  /** PC/SC cannot interrupt an exchange: the power goes off when the SAM has answered, and the answer reaches nobody. */
  test.each(COMMANDS_MS)(
    'when it is wiped in the middle of a command of %d ms, each time',
    async (lastsMs) => {
      await start();
      const [times, afterAnswer]: [number[], number[]] = [[], []];
      for (let count = 0; count < WIPES; count += 1) {
        const sam = await run.openUnlocked(client);
        run.faults.push(slow(lastsMs));
        const begunMs = performance.now();
        const refused = expect(sam.challenge()).rejects.toMatchObject({
          code: expect.stringMatching(/^sam\./),
        });
        await sleep(10 + Math.random() * (lastsMs - 20));
        const sinceMs = performance.now();
        const wiped = client.wipe('tampered');
        const lossMs = await run.sam.lossAfter(sinceMs);
        times.push(lossMs);
        afterAnswer.push(sinceMs + lossMs - (begunMs + lastsMs));
        run.faults.length = 0;
        await Promise.all([refused, wiped]);
      }
      tellTimes(`ordered-wipe-in-apdu-of-${lastsMs}ms`, times, WIPES);
      tellTimes(`ordered-wipe-after-apdu-of-${lastsMs}ms`, afterAnswer, WIPES);
      expect(times).toHaveLength(WIPES);
    },
    300_000,
  );

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
