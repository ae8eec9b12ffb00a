/**
 * The seam between patient data and the disk. Every column named `sealed_…` is written and read through a Sealer;
 * the real one is `vault.ts`, whose data key only an unlocked SAM unwraps (`docs/sam-profile.md` 4.9).
 */

export interface Sealer {
  /** Works while closed, too, once there was a key. `place` names table, row and column: a sealed value moved elsewhere must not open. */
  seal(plain: Uint8Array, place: string): Uint8Array;
  /** Throws when `sealed` was not made for `place`. */
  unseal(sealed: Uint8Array, place: string): Uint8Array;
  /** Equal answers for equal texts and no way back without the key: lets a sealed value be found by index. */
  blindIndex(text: string): Uint8Array;
  /** Under every key that rows may still be indexed with, the newest first: what to look for. */
  blindIndexes(text: string): readonly Uint8Array[];
  /** Closed, nothing is unsealed or found: these functions throw `sam.locked`. */
  readonly isOpen: boolean;
}

/** One column that goes through the Sealer, for those who have to visit them all. */
export interface SealedColumn {
  readonly table: string;
  readonly column: string;
  /** Columns that name a row. */
  readonly key: readonly string[];
  place(...key: readonly string[]): string;
  /**
   * May be written while the SAM is locked. Anybody who can write the disk can write such a value, too: what decides
   * whose a card is, or what an insurance said, is never one.
   */
  readonly takesLetters?: true;
  /** The blind index beside it, out of the value in clear. */
  readonly index?: { readonly column: string; textOf(plain: Uint8Array): string | undefined };
}

/** Seals nothing: for tests and benchmarks, with fictitious patients. */
export const openSealer: Sealer = {
  seal: (plain) => plain,
  unseal: (sealed) => sealed,
  blindIndex: (text) => Buffer.from(text, 'utf8'),
  blindIndexes: (text) => [Buffer.from(text, 'utf8')],
  isOpen: true,
};

export function sealJson(sealer: Sealer, value: unknown, place: string): Uint8Array {
  return sealer.seal(Buffer.from(JSON.stringify(value), 'utf8'), place);
}

/** The caller names the type: what comes out is what `sealJson` took for the same place. */
export function unsealJson<Value>(sealer: Sealer, sealed: Uint8Array, place: string): Value {
  return JSON.parse(Buffer.from(sealer.unseal(sealed, place)).toString('utf8')) as Value;
}
