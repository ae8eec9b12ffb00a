import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SekishoError } from '#contract/errors.ts';
import { silentLogger } from '#ports/logger.ts';
import { type Random, systemRandom } from '#ports/random.ts';
import { LONGEST_RETRY_MS } from '#store/outbox.ts';
import type { Store } from '#store/store.ts';
import { sampleEffects, sampleRecord, visitId } from '#store/testdata/sample-visit.ts';
import { openUnsealedStore } from '#store/testdata/unsealed-store.ts';
import { backoffMs, FIRST_RETRY_MS } from './backoff.ts';
import { ScriptedClock, ScriptedHistory } from './testdata/scripted-line.ts';
import { type SyncWorker, startSyncWorker } from './worker.ts';

const half: Random = { bytes: (length) => new Uint8Array(length) };

let folder: string;
let store: Store;
let clock: ScriptedClock;
let history: ScriptedHistory;
let worker: SyncWorker | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sekisho-sync-'));
  store = openUnsealedStore(join(folder, 'store.db'));
  clock = new ScriptedClock();
  history = new ScriptedHistory();
});
afterEach(async () => {
  await worker?.stop();
  worker = undefined;
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

async function visits(...numbers: number[]): Promise<void> {
  for (const number of numbers)
    await store.ledger.append(sampleRecord(number), { effects: sampleEffects(number) });
}

/** Starts the worker and resolves with its first nap. */
const start = (): Promise<number> =>
  clock.untilNap(() => {
    worker = startSyncWorker({ outbox: store.outbox, history, clock, random: half, logger: silentLogger });
  });

describe('the worker', () => {
  test('delivers what waits, oldest first, says so at the visit, then sleeps long', async () => {
    await visits(1, 2, 3);
    expect(await start()).toBe(LONGEST_RETRY_MS);
    expect(history.calls).toEqual([visitId(1), visitId(2), visitId(3)]);
    expect(store.visits.outboxWaiting()).toBe(0);
    expect(store.visits.visit(visitId(2))?.visitRecord).toBe('delivered');
  });

  test('delivers more than one batch without a pause', async () => {
    const many = Array.from({ length: 70 }, (_, at) => at + 1);
    await visits(...many);
    let nap = await start();
    while (nap === 0) nap = await clock.sleepOn();
    expect(history.kept.size).toBe(70);
    expect(clock.naps).toEqual([0, 0, LONGEST_RETRY_MS]);
  });

  test('is woken after a commit, also while it is busy', async () => {
    await start();
    await visits(1);
    await clock.untilNap(() => worker?.wake());
    expect(history.kept.size).toBe(1);
    history.before = (record) => {
      if (record.visitId === visitId(2)) worker?.wake();
      return undefined;
    };
    await visits(2);
    await clock.untilNap(() => worker?.wake());
    expect(history.kept.size).toBe(2);
  });

  test('when the line is down, asks once per pause with the oldest, pauses twice as long each time, then delivers all', async () => {
    await visits(1, 2, 3);
    history.before = () => 'centre.unreachable';
    expect(await start()).toBe(FIRST_RETRY_MS / 2);
    for (const doubled of [1_000, 2_000, 4_000]) expect(await clock.sleepOn()).toBe(doubled);
    expect(history.calls).toEqual(Array.from({ length: 4 }, () => visitId(1)));
    for (let pause = 0; pause < 12; pause += 1) await clock.sleepOn();
    expect(clock.naps.at(-1)).toBe(LONGEST_RETRY_MS / 2);
    history.before = () => undefined;
    expect(await clock.sleepOn()).toBe(LONGEST_RETRY_MS);
    expect(history.kept.size).toBe(3);
  });

  test('one record that the centre refuses holds up no other, and is never given up', async () => {
    await visits(1, 2, 3);
    history.before = (record) => (record.visitId === visitId(1) ? 'centre.refused' : undefined);
    expect(await start()).toBe(FIRST_RETRY_MS / 2);
    expect([...history.kept.keys()]).toEqual([visitId(2), visitId(3)]);
    expect(await clock.sleepOn()).toBe(FIRST_RETRY_MS);
    expect(store.visits.outboxWaiting()).toBe(1);
    expect(store.visits.visit(visitId(1))?.visitRecord).toBe('queued');
    history.before = () => undefined;
    expect(await clock.sleepOn()).toBe(LONGEST_RETRY_MS);
    expect(history.kept.size).toBe(3);
  });

  test('a lost answer is asked for again; the centre has the visit once', async () => {
    await visits(1);
    history.after = () => 'centre.timeout';
    await start();
    expect(store.visits.outboxWaiting()).toBe(1);
    history.after = () => undefined;
    await clock.sleepOn();
    expect(history.calls).toEqual([visitId(1), visitId(1)]);
    expect(history.kept.size).toBe(1);
    expect(store.visits.outboxWaiting()).toBe(0);
  });

  test('stopped in the middle of a request it ends, counts no failure, and the next start delivers', async () => {
    await visits(1);
    const asked = new Promise<void>((resolve) => {
      history.before = (_record, signal) => {
        resolve();
        return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
      };
    });
    worker = startSyncWorker({ outbox: store.outbox, history, clock, random: half, logger: silentLogger });
    await asked;
    await worker.stop();
    expect(store.outbox.due(clock.now, 1)).toMatchObject([{ attempts: 0 }]);
    history.before = () => undefined;
    await start();
    expect(history.kept.size).toBe(1);
  });

  test('survives restarts of either side: whatever is lost in between, everything arrives once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('ok', 'down', 'lost', 'restart'), { maxLength: 12 }),
        async (fate) => {
          const path = join(folder, `${Math.random()}.db`);
          let own = openUnsealedStore(path);
          const centre = new ScriptedHistory();
          const time = new ScriptedClock();
          for (const number of [1, 2, 3])
            await own.ledger.append(sampleRecord(number), { effects: sampleEffects(number) });
          const run = (): Promise<SyncWorker> => {
            let started: SyncWorker | undefined;
            const parts = {
              outbox: own.outbox,
              history: centre,
              clock: time,
              random: half,
              logger: silentLogger,
            };
            return time
              .untilNap(() => {
                started = startSyncWorker(parts);
              })
              .then(() => started!);
          };
          const steps = [...fate];
          const happens = (what: string): boolean => steps[0] === what && steps.shift() !== undefined;
          centre.before = () => (happens('down') ? 'centre.unreachable' : undefined);
          centre.after = () => {
            if (happens('lost')) return 'centre.garbled';
            happens('ok');
            return undefined;
          };
          let running = await run();
          for (let round = 0; own.outbox.waiting() > 0 && round < 60; round += 1) {
            if (steps[0] === 'restart') {
              steps.shift();
              await running.stop();
              await own.close();
              own = openUnsealedStore(path);
              running = await run();
            } else await time.sleepOn();
          }
          await running.stop();
          expect(own.outbox.waiting()).toBe(0);
          expect(centre.kept.size).toBe(3);
          await own.close();
        },
      ),
      { numRuns: 25 },
    );
  });

  test('a store that fails stops nothing for ever', async () => {
    await visits(1);
    let failures = 2;
    const outbox = {
      ...store.outbox,
      due: (nowMs: number, limit: number) => {
        failures -= 1;
        if (failures >= 0) throw new SekishoError('store.full');
        return store.outbox.due(nowMs, limit);
      },
    };
    await clock.untilNap(() => {
      worker = startSyncWorker({ outbox, history, clock, random: half, logger: silentLogger });
    });
    await clock.sleepOn();
    expect(await clock.sleepOn()).toBe(LONGEST_RETRY_MS);
    expect(history.kept.size).toBe(1);
  });

  test('tells each attempt to who wants to know', async () => {
    await visits(1);
    const told: unknown[] = [];
    history.before = () => 'centre.refused';
    await clock.untilNap(() => {
      worker = startSyncWorker({
        outbox: store.outbox,
        history,
        clock,
        random: half,
        logger: silentLogger,
        onAttempt: (id, error) => told.push([id, error]),
      });
    });
    history.before = () => undefined;
    await clock.sleepOn();
    expect(told).toEqual([
      [visitId(1), 'centre.refused'],
      [visitId(1), undefined],
    ]);
  });
});

test('the back-off doubles, is bounded, and spreads over its upper half', () => {
  fc.assert(
    fc.property(fc.nat(100), (failures) => {
      const fullMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures);
      const delayMs = backoffMs(failures, systemRandom);
      expect(delayMs).toBeGreaterThanOrEqual(fullMs / 2);
      expect(delayMs).toBeLessThanOrEqual(fullMs);
    }),
    { numRuns: 200 },
  );
  const most: Random = { bytes: (length) => new Uint8Array(length).fill(255) };
  expect([backoffMs(0, half), backoffMs(0, most), backoffMs(99, most)]).toEqual([
    500,
    1_000,
    LONGEST_RETRY_MS,
  ]);
});
