/** How the SAM was locked last: no restart opens by itself what somebody locked, and screens can say why it happened. */
import type { SamLock } from '#evidence/ledger.ts';
import { type Database, prepare } from './database.ts';

export interface SamLockTable {
  put(lock: SamLock): void;
  /** It was opened since; why it was locked before is still known. */
  lift(): void;
  last(): SamLock | undefined;
}

export function createSamLockTable(database: Database): SamLockTable {
  const put = prepare<[number, number, string, number]>(
    database,
    'INSERT OR REPLACE INTO sam_lock (only, entry, at_ms, reason, waits_for_person) VALUES (1, ?, ?, ?, ?)',
  );
  const lift = prepare<[]>(database, 'UPDATE sam_lock SET waits_for_person = 0');
  const get = prepare<[], { entry: number; atMs: number; reason: string; waitsForPerson: number }>(
    database,
    'SELECT entry, at_ms AS atMs, reason, waits_for_person AS waitsForPerson FROM sam_lock',
  );
  return {
    put({ entry, atMs, reason, waitsForPerson }) {
      put.run(entry, atMs, reason, Number(waitsForPerson));
    },
    lift() {
      lift.run();
    },
    last() {
      const row = get.get();
      return row && { ...row, waitsForPerson: row.waitsForPerson === 1 };
    },
  };
}
