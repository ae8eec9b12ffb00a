import { randomUUID } from 'node:crypto';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { VirtualClock } from '#ports/testing/virtual-clock.ts';
import { openMemoryFile } from './memory-file.ts';
import { type BrokerMemory, UseLedger } from './use-ledger.ts';

let folder: string;
let memory: BrokerMemory;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'sekisho-broker-')), 'state');
  memory = openMemoryFile(folder);
});
afterEach(() => {
  memory.close();
  rmSync(join(folder, '..'), { recursive: true });
});

const LIMITS = { usesPerMinute: 2, usesPerDay: 4 };
const limited = expect.objectContaining({ code: 'sam.rate-limited' });
const reopen = (): BrokerMemory => {
  memory.close();
  memory = openMemoryFile(folder);
  return memory;
};

test('is of this user alone', () => {
  memory.saveRoster(Uint8Array.of(1));
  memory.savePermit(Uint8Array.of(1));
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  for (const name of ['uses.log', 'roster.bin', 'permit.json'])
    expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
});

test('keeps uses and roster across restarts', () => {
  const use = { atMs: 5, tapId: randomUUID() };
  memory.recordUse(use);
  memory.saveRoster(Uint8Array.of(1, 2, 3));
  expect(reopen().uses).toEqual([use]);
  expect(memory.roster).toEqual(Uint8Array.of(1, 2, 3));
});

test('keeps a permit across restarts until there is none any more', () => {
  memory.savePermit(Uint8Array.of(4, 5));
  expect(reopen().permit).toEqual(Uint8Array.of(4, 5));
  memory.savePermit(undefined);
  expect(memory.permit).toBeUndefined();
  expect(reopen().permit).toBeUndefined();
});

test('a line that a power cut left half written was never acknowledged; anything else is no memory', () => {
  const use = { atMs: 5, tapId: randomUUID() };
  memory.recordUse(use);
  appendFileSync(join(folder, 'uses.log'), '17 0123');
  expect(reopen().uses).toEqual([use]);
  expect(readFileSync(join(folder, 'uses.log'), 'ascii')).toBe(`5 ${use.tapId}\n`);
  writeFileSync(join(folder, 'uses.log'), 'none\n');
  expect(() => openMemoryFile(folder)).toThrow(expect.objectContaining({ code: 'store.failed' }));
  writeFileSync(join(folder, 'uses.log'), '');
});

test('forgets what is older than a day and not among the newest', () => {
  const day = 86_400_000;
  const lines = Array.from({ length: 5_000 }, (_, index) => `${index} ${randomUUID()}\n`);
  writeFileSync(join(folder, 'uses.log'), lines.join(''));
  expect(reopen().uses).toHaveLength(5_000);
  appendFileSync(join(folder, 'uses.log'), `${2 * day} ${randomUUID()}\n`);
  expect(reopen().uses).toHaveLength(4_096);
  expect(memory.uses.at(-1)?.atMs).toBe(2 * day);
});

describe('limits', () => {
  test('go on after a restart as if nothing had happened, whatever the wall clock says', async () => {
    const clock = new VirtualClock(0);
    const tapId = randomUUID();
    let ledger = new UseLedger(memory, LIMITS, clock);
    ledger.record(tapId);
    ledger.record(randomUUID());
    expect(() => ledger.record(randomUUID())).toThrow(limited);
    ledger = new UseLedger(reopen(), LIMITS, new VirtualClock(4_102_444_800_000));
    expect(() => ledger.record(randomUUID())).toThrow(limited);
    expect(() => ledger.record(tapId)).toThrow(expect.objectContaining({ code: 'tap.consent-missing' }));
    await clock.advance(60_000);
    ledger = new UseLedger(reopen(), LIMITS, clock);
    expect(() => ledger.record(randomUUID())).toThrow(limited);
    await clock.advance(60_000);
    ledger.record(randomUUID());
  });

  test('a refused use is not counted, and a use that could not be written is refused', () => {
    const clock = new VirtualClock(0);
    const full = new Error('no space');
    const broken: BrokerMemory = {
      ...memory,
      uses: [],
      recordUse: () => {
        throw full;
      },
    };
    const ledger = new UseLedger(broken, LIMITS, clock);
    const tapId = randomUUID();
    for (let count = 0; count < 3; count++) expect(() => ledger.record(tapId)).toThrow(full);
  });

  test('hold over thousands of uses', async () => {
    const clock = new VirtualClock(0);
    const ledger = new UseLedger({ ...memory, uses: [], recordUse: () => {} }, LIMITS, clock);
    let admitted = 0;
    for (let hour = 0; hour < 24 * 30; hour++) {
      await clock.advance(3_600_000);
      for (let each = 0; each < 3; each++) {
        try {
          ledger.record(randomUUID());
          admitted += 1;
        } catch (thrown) {
          expect(thrown).toEqual(limited);
        }
      }
    }
    expect(admitted).toBe(4 * 30);
  });
});
