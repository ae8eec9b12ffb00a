import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AccessRecord } from '#evidence/access-log.ts';
import { CHAIN_START, encodeEntry, hashEntry } from '#evidence/entry.ts';
import { readAccessLog } from './access-export.ts';
import { type Database, openDatabase } from './database.ts';
import type { Store } from './store.ts';
import { openUnsealedStore } from './testdata/unsealed-store.ts';

const START_MS = Date.UTC(2026, 10, 25);

let folder: string;
let path: string;
let store: Store;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sekisho-access-'));
  path = join(folder, 'store.db');
  store = openUnsealedStore(path);
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

function record(index: number, more: Partial<AccessRecord> = {}): AccessRecord {
  const at = new Date(START_MS + index * 1_000).toISOString();
  const requestId = index.toString(16).padStart(16, '0');
  return {
    kind: 'access',
    at,
    operatorId: '00112233445566aa',
    screen: 'counter',
    route: 'readVisit',
    requestId,
    ...more,
  };
}

async function fill(count = 10, anchoredAt = 6): Promise<void> {
  for (let index = 1; index <= count; index++) {
    const head = store.accessLog.append(record(index));
    if (index === anchoredAt) {
      const at = record(index).at;
      await store.ledger.append({ kind: 'access-log', at, lastSeq: head.seq, lastHash: head.hash });
    }
  }
}

/** What somebody with the disk in the hand can do: no trigger stops them. */
function tamper(work: (database: Database) => void): void {
  const database = openDatabase(path);
  database.exec('DROP TRIGGER access_is_never_changed; DROP TRIGGER access_is_never_removed');
  work(database);
  database.close();
}

describe('the log', () => {
  test('goes on where it was, and answers a span in order', async () => {
    await fill(3);
    await store.close();
    store = openUnsealedStore(path);
    expect(store.accessLog.append(record(4, { subject: '2026-11-25' })).seq).toBe(4);
    const found = store.accessLog.between(START_MS + 2_000, START_MS + 5_000);
    expect(found.map(({ seq, subject }) => [seq, subject])).toEqual([
      [2, undefined],
      [3, undefined],
      [4, '2026-11-25'],
    ]);
  });

  test('cannot be changed or shortened by SQL', async () => {
    await fill(3);
    const database = openDatabase(path);
    for (const sql of ['UPDATE access SET at_ms = 0', 'DELETE FROM access WHERE seq = 3'])
      expect(() => database.exec(sql)).toThrow('append-only');
    database.close();
  });

  test('takes room: so many bytes a row', async () => {
    const before = readSize();
    await fill(2_000, 0);
    const bytes = (readSize() - before) / 2_000;
    expect(bytes).toBeLessThan(700);
  });
});

function readSize(): number {
  const database = openDatabase(path);
  const pages = Number(database.pragma('page_count', { simple: true }));
  const size = pages * Number(database.pragma('page_size', { simple: true }));
  database.close();
  return size;
}

describe('the export', () => {
  test('finds an intact log intact, and says how far the evidence holds it', async () => {
    await fill();
    const { entries, flaw, anchoredSeq } = readAccessLog(path, ({ at }) => at > record(8).at);
    expect(entries.map(({ seq }) => seq)).toEqual([9, 10]);
    expect(flaw).toBeUndefined();
    expect(anchoredSeq).toBe(6);
  });

  test('an empty log is intact', () => {
    expect(readAccessLog(path)).toMatchObject({ entries: [], flaw: undefined, anchoredSeq: 0 });
  });

  test.each<[string, (database: Database) => void, object]>([
    [
      'a changed row',
      (it) =>
        it.exec(`UPDATE access SET canonical = replace(canonical, 'readVisit', 'readOther') WHERE seq = 4`),
      { seq: 4, reason: 'entry-altered' },
    ],
    [
      'a removed row',
      (it) => it.exec('DELETE FROM access WHERE seq = 4'),
      { seq: 4, reason: 'sequence-broken' },
    ],
    [
      'an added row',
      (it) => it.exec(`INSERT INTO access SELECT 11, at_ms, hash, canonical FROM access WHERE seq = 10`),
      { seq: 11, reason: 'sequence-broken' },
    ],
    [
      'an end that is cut off',
      (it) => it.exec('DELETE FROM access WHERE seq > 5'),
      { seq: 6, reason: 'cut-short' },
    ],
    ['everything cut off', (it) => it.exec('DELETE FROM access'), { seq: 1, reason: 'cut-short' }],
    ['a log that was written anew with right hashes', rewrite, { seq: 6, reason: 'evidence-differs' }],
  ])('finds %s', async (_what, work, flaw) => {
    await fill();
    await store.close();
    tamper(work);
    expect(readAccessLog(path).flaw).toEqual(flaw);
    store = openUnsealedStore(path);
  });
});

function rewrite(database: Database): void {
  let prev = CHAIN_START;
  const update = database.prepare('UPDATE access SET hash = ?, canonical = ? WHERE seq = ?');
  for (let seq = 1; seq <= 10; seq++) {
    const canonical = encodeEntry(seq, prev, record(seq, { operatorId: 'ffffffffffffffff' }));
    prev = hashEntry(canonical);
    update.run(prev, canonical, seq);
  }
}
