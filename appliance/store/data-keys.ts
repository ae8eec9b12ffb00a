/** The wrapped data keys of this database, and its letterbox. The newest key seals, older ones go when nothing needs them. */
import { type Database, prepare } from './database.ts';
import type { SealedColumn } from './sealer.ts';

export interface WrappedKey {
  /** Eight hex digits. */
  readonly keyId: string;
  /** The SAM that can unwrap it. */
  readonly samId: string;
  readonly wrapped: Uint8Array;
}

export interface LetterboxRow {
  readonly publicKey: Uint8Array;
  readonly sealedPrivateKey: Uint8Array;
}

const LETTERBOX_PLACE = 'letterbox/1/private-key';

export const LETTERBOX_KEY: SealedColumn = {
  table: 'letterbox',
  column: 'sealed_private_key',
  key: ['only'],
  place: () => LETTERBOX_PLACE,
};

export interface DataKeyTable {
  /** Newest first. */
  all(): readonly WrappedKey[];
  add(key: WrappedKey): void;
  /** The same key, for another SAM. */
  rewrap(key: WrappedKey): void;
  remove(keyId: string): void;
  letterbox(): LetterboxRow | undefined;
  putLetterbox(row: LetterboxRow): void;
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
  const letterbox = prepare<[], { public_key: Uint8Array; sealed_private_key: Uint8Array }>(
    database,
    'SELECT public_key, sealed_private_key FROM letterbox',
  );
  const putLetterbox = prepare<[Uint8Array, Uint8Array]>(database, 'INSERT INTO letterbox VALUES (1, ?, ?)');
  return {
    letterbox() {
      const row = letterbox.get();
      return row && { publicKey: row.public_key, sealedPrivateKey: row.sealed_private_key };
    },
    putLetterbox: ({ publicKey, sealedPrivateKey }) => void putLetterbox.run(publicKey, sealedPrivateKey),
    all: () => all.all().map(({ key_id, sam_id, wrapped }) => ({ keyId: key_id, samId: sam_id, wrapped })),
    add: ({ keyId, samId, wrapped }) => void add.run(keyId, samId, wrapped),
    rewrap: ({ keyId, samId, wrapped }) => void rewrap.run(samId, wrapped, keyId),
    remove: (keyId) => void remove.run(keyId),
  };
}
