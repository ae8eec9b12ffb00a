/** How much slower than bare SQLite the ledger appends durably, for `npm run bench`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EvidenceRecord } from '#evidence/record.ts';
import { type Database, openDatabase } from './database.ts';
import { openSealer } from './sealer.ts';
import { assembleStore } from './store.ts';

const PAIRS = 2_000;

const RECORD: EvidenceRecord = {
  kind: 'sam-locked',
  at: '2026-11-21T09:00:00.000Z',
  samId: '53414d3030303031',
  reason: 'x'.repeat(1_000),
};

/**
 * Appends per second, and durable inserts of a row as large by SQLite alone. One of each in turn, so that whatever
 * else the disk does hits both alike; medians.
 */
export async function measureAppend(): Promise<{ readonly value: number; readonly baseline: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-bench-'));
  const bareDatabase = openDatabase(join(folder, 'bare.db'));
  const store = assembleStore(openDatabase(join(folder, 'store.db')), openSealer);
  try {
    const insert = prepareBare(bareDatabase);
    const appendMs: number[] = [];
    const insertMs: number[] = [];
    for (let pair = 0; pair < PAIRS; pair += 1) {
      insertMs.push(await timeOf(insert));
      appendMs.push(await timeOf(() => store.ledger.append(RECORD)));
    }
    return { value: 1000 / median(appendMs), baseline: 1000 / median(insertMs) };
  } finally {
    bareDatabase.close();
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function prepareBare(database: Database): () => void {
  database.exec(
    'CREATE TABLE bare (seq INTEGER PRIMARY KEY, hash TEXT, canonical TEXT, stamp TEXT, signature TEXT) STRICT',
  );
  const insert = database.prepare('INSERT INTO bare (hash, canonical) VALUES (?, ?)');
  const hash = '0'.repeat(64);
  const canonical = JSON.stringify({ prev: hash, record: RECORD, seq: 1, v: 1 });
  return () => insert.run(hash, canonical);
}

async function timeOf(once: () => unknown): Promise<number> {
  const started = performance.now();
  await once();
  return performance.now() - started;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
