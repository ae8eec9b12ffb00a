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

export interface LetterboxKeyPair {
  readonly publicKey: Uint8Array;
  readonly sealedPrivateKey: Uint8Array;
}

export interface LetterboxRow extends LetterboxKeyPair {
  /** Number of the evidence entry that names the public key. */
  readonly namedIn: number | undefined;
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
  putLetterbox(keys: LetterboxKeyPair): void;
  nameLetterbox(entry: number): void;
}

interface KeyRow {
  readonly key_id: string;
  readonly sam_id: string;
  readonly wrapped: Uint8Array;
}

interface LetterboxColumns {
  readonly public_key: Uint8Array;
  readonly sealed_private_key: Uint8Array;
  readonly named_in: number | null;
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
  const letterbox = prepare<[], LetterboxColumns>(
    database,
    'SELECT public_key, sealed_private_key, named_in FROM letterbox',
  );
  const putLetterbox = prepare<[Uint8Array, Uint8Array]>(
    database,
    'INSERT INTO letterbox (only, public_key, sealed_private_key) VALUES (1, ?, ?)',
  );
  const nameLetterbox = prepare<[number]>(database, 'UPDATE letterbox SET named_in = ?');
  return {
    letterbox() {
      const row = letterbox.get();
      if (row === undefined) return undefined;
      const { public_key: publicKey, sealed_private_key: sealedPrivateKey, named_in: namedIn } = row;
      return { publicKey, sealedPrivateKey, namedIn: namedIn ?? undefined };
    },
    nameLetterbox: (entry) => void nameLetterbox.run(entry),
    putLetterbox: ({ publicKey, sealedPrivateKey }) => void putLetterbox.run(publicKey, sealedPrivateKey),
    all: () => all.all().map(({ key_id, sam_id, wrapped }) => ({ keyId: key_id, samId: sam_id, wrapped })),
    add: ({ keyId, samId, wrapped }) => void add.run(keyId, samId, wrapped),
    rewrap: ({ keyId, samId, wrapped }) => void rewrap.run(samId, wrapped, keyId),
    remove: (keyId) => void remove.run(keyId),
  };
}
