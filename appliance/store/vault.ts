/**
 * The Sealer of a real appliance. Its data keys lie on the disk wrapped by the SAM, which unwraps them only while it
 * is unlocked; in memory they are from `open` to `close`. Whoever carries the box off finds ciphertext. What has to be
 * written while it is closed goes into the letterbox.
 * @see docs/sam-profile.md §4.9, docs/threat-model.md
 */
import type { KeyObject } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { SekishoError } from '#contract/errors.ts';
import { type DataKey, makeDataKey, sealedWith, spoiled } from './data-key.ts';
import { createDataKeyTable, type DataKeyTable, LETTERBOX_KEY, type WrappedKey } from './data-keys.ts';
import { type Database, prepare, prepareTransaction, type Transaction } from './database.ts';
import { type Door, isLetter, makeLetterboxKeys, openDoor, openSlot } from './letterbox.ts';
import { type LetterboxName, openLetterboxName } from './letterbox-name.ts';
import { createResealer, type Resealer, type Resealing } from './reseal.ts';
import type { SealedColumn, Sealer } from './sealer.ts';

/** What the vault asks of the unlocked SAM. Rejects `sam.*`. */
export interface KeyWrapper {
  readonly samId: string;
  /** A new data key, wrapped. */
  generateDataKey(): Promise<Uint8Array>;
  /** The caller overwrites the answer. */
  unwrapDataKey(wrapped: Uint8Array): Promise<Uint8Array>;
}

/** Asks the SP to wrap a key of the SAM that was here before for the one that is here now. */
export type Rewrap = (fromSamId: string, wrapped: Uint8Array) => Promise<Uint8Array>;

/** What opening it brought about, for the evidence. */
export interface VaultOpening {
  readonly keyId: string;
  readonly event: 'opened' | 'first-key' | 'moved-to-this-sam';
  /** Hexadecimal; when no entry that this SAM has stamped names it yet. */
  readonly unnamedLetterboxKey?: string;
}

export interface Vault extends Sealer {
  /**
   * To be called with the device key of each SAM that is found, and before `open`: until then nothing is written into a letterbox
   * that was there before this program. Throws `store.letterbox-replaced` for one that is not the one of the evidence.
   */
  proveLetterbox(deviceKey: KeyObject): void;
  /** Unwraps the keys, or makes the first one. Rejects `sam.*`, `store.*` and what `rewrap` rejects; then it is closed. */
  open(sam: KeyWrapper, rewrap: Rewrap): Promise<VaultOpening>;
  /** Overwrites the keys at once. Closing twice is fine. */
  close(): void;
  /** Makes a new key; what the old ones sealed follows by `finishRotation`. Answers the new key's id. */
  rotate(sam: KeyWrapper): Promise<string>;
  /** Seals anew what older keys sealed, then forgets these; stops when the vault is closed meanwhile. */
  finishRotation(): Promise<void>;
}

export function createVault(database: Database, columns: readonly SealedColumn[]): Vault {
  const namesKey = prepare<[], { seq: number }>(
    database,
    `SELECT seq FROM entry WHERE canonical LIKE '%"kind":"data-key"%' LIMIT 1`,
  );
  return new SamVault({
    table: createDataKeyTable(database),
    reseal: createResealer(database, columns),
    inTransaction: prepareTransaction(database),
    letterTables: new Set(columns.filter(({ takesLetters }) => takesLetters).map(({ table }) => table)),
    evidenceNamesKey: () => namesKey.get() !== undefined,
    letterboxName: openLetterboxName(database),
  });
}

interface VaultParts {
  readonly table: DataKeyTable;
  readonly reseal: Resealer;
  readonly inTransaction: Transaction;
  readonly letterTables: ReadonlySet<string>;
  /** The chain tells of a data key that there was. */
  evidenceNamesKey(): boolean;
  readonly letterboxName: LetterboxName;
}

class SamVault implements Vault {
  readonly #parts: VaultParts;
  /** Newest first; empty while closed. */
  #keys: readonly DataKey[] = [];
  /** From the proof of its key on. */
  #slot: ReturnType<typeof openSlot> | undefined;
  #isReplaced = false;
  /** By an entry that the SAM of the last proof has stamped. */
  #isNamed = false;
  /** While open. */
  #door: Door | undefined;
  /** Grows with each `close`: an opening that was overtaken by one must leave nothing open. */
  #closings = 0;

  constructor(parts: VaultParts) {
    this.#parts = parts;
  }

  get isOpen(): boolean {
    return this.#keys.length > 0;
  }

  proveLetterbox(deviceKey: KeyObject): void {
    const { table, letterboxName } = this.#parts;
    const row = table.letterbox();
    const named = row?.namedIn === undefined ? undefined : letterboxName(row.namedIn, deviceKey);
    this.#isNamed = named !== undefined;
    if (row === undefined || named === undefined) return;
    if (!Buffer.from(named).equals(row.publicKey)) throw this.#replaced();
    this.#slot ??= openSlot(named);
    this.#isReplaced = false;
  }

  async open(sam: KeyWrapper, rewrap: Rewrap): Promise<VaultOpening> {
    this.close();
    const closings = this.#closings;
    const keys: DataKey[] = [];
    try {
      const wrapped = this.#parts.table.all();
      let isMoved = false;
      for (const row of wrapped) {
        isMoved ||= row.samId !== sam.samId;
        keys.push(await this.#unwrap(row, sam, rewrap));
      }
      if (wrapped.length === 0) keys.push(await this.#makeFirst(sam));
      if (this.#closings !== closings) throw new SekishoError('sam.locked');
      const [newest] = keys;
      if (newest === undefined) throw new SekishoError('internal.bug');
      this.#keys = keys;
      const letterboxKey = this.#openLetterbox();
      const event = wrapped.length === 0 ? 'first-key' : isMoved ? 'moved-to-this-sam' : 'opened';
      const opening = { keyId: newest.id, event } as const;
      return this.#isNamed ? opening : { ...opening, unnamedLetterboxKey: letterboxKey };
    } catch (thrown) {
      for (const key of keys) key.destroy();
      this.close();
      throw thrown;
    }
  }

  close(): void {
    this.#closings += 1;
    for (const key of this.#keys) key.destroy();
    this.#keys = [];
    this.#door?.destroy();
    this.#door = undefined;
  }

  async rotate(sam: KeyWrapper): Promise<string> {
    this.#newest();
    const closings = this.#closings;
    const { key, row } = await this.#make(sam);
    if (this.#closings !== closings) {
      key.destroy();
      throw new SekishoError('sam.locked');
    }
    // On the disk, wrapped, before anything is sealed with it.
    this.#parts.table.add(row);
    this.#keys = [key, ...this.#keys];
    return key.id;
  }

  async finishRotation(): Promise<void> {
    const [to, ...older] = this.#keys;
    if (to === undefined || older.length === 0) return;
    const { reseal, inTransaction, table } = this.#parts;
    const batches = reseal({ to, open: (sealed, place) => this.unseal(sealed, place) });
    const isBatchDone = (): boolean => batches.next().done !== true;
    while (this.#keys[0] === to && inTransaction(isBatchDone)) await setImmediate();
    if (this.#keys[0] !== to) return;
    for (const key of older) {
      table.remove(key.id);
      key.destroy();
    }
    this.#keys = [to];
  }

  seal(plain: Uint8Array, place: string): Uint8Array {
    const [newest] = this.#keys;
    if (newest !== undefined) return newest.seal(plain, place);
    if (!this.#takesLetters(place)) throw new SekishoError('sam.locked');
    if (this.#slot === undefined)
      throw new SekishoError(this.#isReplaced ? 'store.letterbox-replaced' : 'sam.locked');
    return this.#slot(plain, place);
  }

  unseal(sealed: Uint8Array, place: string): Uint8Array {
    this.#newest();
    if (isLetter(sealed) && this.#door !== undefined && this.#takesLetters(place))
      return this.#door.open(sealed, place);
    const keyId = sealedWith(sealed);
    const key = this.#keys.find(({ id }) => id === keyId);
    if (key === undefined) throw spoiled(place);
    return key.unseal(sealed, place);
  }

  blindIndex(text: string): Uint8Array {
    return this.#newest().blindIndex(text);
  }

  blindIndexes(text: string): readonly Uint8Array[] {
    this.#newest();
    return this.#keys.map((key) => key.blindIndex(text));
  }

  /** A place begins with its table. */
  #takesLetters(place: string): boolean {
    return this.#parts.letterTables.has(place.slice(0, place.indexOf('/')));
  }

  #newest(): DataKey {
    const [newest] = this.#keys;
    if (newest === undefined) throw new SekishoError('sam.locked');
    return newest;
  }

  async #unwrap(row: WrappedKey, sam: KeyWrapper, rewrap: Rewrap): Promise<DataKey> {
    const isOurs = row.samId === sam.samId;
    const wrapped = isOurs ? row.wrapped : await rewrap(row.samId, row.wrapped);
    const key = await unwrapWith(sam, wrapped);
    if (key.id !== row.keyId) {
      key.destroy();
      throw new SekishoError('store.failed', { context: { why: 'another data key was unwrapped' } });
    }
    if (!isOurs) this.#parts.table.rewrap({ keyId: key.id, samId: sam.samId, wrapped });
    return key;
  }

  async #make(sam: KeyWrapper): Promise<{ key: DataKey; row: WrappedKey }> {
    const wrapped = await sam.generateDataKey();
    const key = await unwrapWith(sam, wrapped);
    return { key, row: { keyId: key.id, samId: sam.samId, wrapped } };
  }

  /**
   * What a database without keys holds is in clear, and is sealed in the same transaction: once there is a key, a row
   * in clear is somebody else's and does not open.
   */
  async #makeFirst(sam: KeyWrapper): Promise<DataKey> {
    if (this.#parts.evidenceNamesKey()) {
      throw new SekishoError('store.failed', { context: { why: 'the data keys are gone' } });
    }
    const { key, row } = await this.#make(sam);
    const { table, reseal, inTransaction } = this.#parts;
    const resealing: Resealing = { to: key, open: (sealed) => sealed };
    inTransaction(() => {
      table.add(row);
      for (const batches = reseal(resealing); batches.next().done !== true; );
    });
    return key;
  }

  /** Made with the first key. Answers its public key. */
  #openLetterbox(): string {
    const place = LETTERBOX_KEY.place();
    const known = this.#parts.table.letterbox();
    if (known === undefined) {
      const { publicKey, privateKey } = makeLetterboxKeys();
      this.#parts.table.putLetterbox({ publicKey, sealedPrivateKey: this.seal(privateKey, place) });
      this.#isNamed = false;
      return this.#useLetterbox(publicKey, privateKey);
    }
    return this.#useLetterbox(known.publicKey, this.unseal(known.sealedPrivateKey, place));
  }

  /** A public key that is not the private one's was put there by somebody else. */
  #useLetterbox(publicKey: Uint8Array, privateKey: Uint8Array): string {
    const [slot, door] = [openSlot(publicKey), openDoor({ publicKey, privateKey })];
    privateKey.fill(0);
    this.#door = door;
    const probe = Buffer.from('probe');
    try {
      if (!probe.equals(door.open(slot(probe, 'letterbox'), 'letterbox'))) throw spoiled('letterbox');
    } catch {
      throw this.#replaced();
    }
    [this.#slot, this.#isReplaced] = [slot, false];
    return Buffer.from(publicKey).toString('hex');
  }

  /** What is written from now on would be for somebody else to read. */
  #replaced(): SekishoError {
    this.#slot = undefined;
    this.#isReplaced = true;
    return new SekishoError('store.letterbox-replaced');
  }
}

async function unwrapWith(sam: KeyWrapper, wrapped: Uint8Array): Promise<DataKey> {
  const secret = await sam.unwrapDataKey(wrapped);
  try {
    return makeDataKey(secret);
  } finally {
    secret.fill(0);
  }
}
