/** The wrapped data keys of this database; the newest one seals, older ones are there until nothing needs them. */
import { type Database, prepare } from './database.ts';

export interface WrappedKey {
  /** Eight hex digits. */
  readonly keyId: string;
  /** The SAM that can unwrap it. */
  readonly samId: string;
  readonly wrapped: Uint8Array;
}

export interface DataKeyTable {
  /** Newest first. */
  all(): readonly WrappedKey[];
  add(key: WrappedKey): void;
  /** The same key, for another SAM. */
  rewrap(key: WrappedKey): void;
  remove(keyId: string): void;
}

interface KeyRow {
  readonly key_id: string;
  readonly sam_id: string;
  readonly wrapped: Uint8Array;
}

export function createDataKeyTable(database: Database): DataKeyTable {
  const all = prepare<[], KeyRow>(
    database,
    'SELECT key_id, sam_id, wrapped FROM data_key ORDER BY position DESC',
  );
  const add = prepare<[string, string, Uint8Array]>(
    database,
    'INSERT INTO data_key (key_id, sam_id, wrapped) VALUES (?, ?, ?)',
  );
  const rewrap = prepare<[string, Uint8Array, string]>(
    database,
    'UPDATE data_key SET sam_id = ?, wrapped = ? WHERE key_id = ?',
  );
  const remove = prepare<[string]>(database, 'DELETE FROM data_key WHERE key_id = ?');
  return {
    all: () => all.all().map(({ key_id, sam_id, wrapped }) => ({ keyId: key_id, samId: sam_id, wrapped })),
    add: ({ keyId, samId, wrapped }) => void add.run(keyId, samId, wrapped),
    rewrap: ({ keyId, samId, wrapped }) => void rewrap.run(samId, wrapped, keyId),
    remove: (keyId) => void remove.run(keyId),
  };
}
