/** The SP's last word about an unlock, when it was no: neither a restart nor silence takes it back. */
import { type Database, prepare } from './database.ts';

export interface UnlockRefusalTable {
  put(atMs: number): void;
  clear(): void;
  sinceMs(): number | undefined;
}

export function createUnlockRefusalTable(database: Database): UnlockRefusalTable {
  const put = prepare<[number]>(
    database,
    'INSERT INTO unlock_refusal (only, at_ms) VALUES (1, ?) ON CONFLICT (only) DO NOTHING',
  );
  const clear = prepare<[]>(database, 'DELETE FROM unlock_refusal');
  const get = prepare<[], { at_ms: number }>(database, 'SELECT at_ms FROM unlock_refusal');
  return {
    put(atMs) {
      put.run(atMs);
    },
    clear() {
      clear.run();
    },
    sinceMs: () => get.get()?.at_ms,
  };
}
