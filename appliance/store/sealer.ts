/**
 * The seam between patient data and the disk. Every column named `sealed_…` is written and read through a Sealer,
 * so that sealing under the data key, which only an unlocked SAM unwraps, changes no table (`docs/sam-profile.md` 4.9).
 */

export interface Sealer {
  /** `place` names table, row and column: a sealed value moved elsewhere must not open. */
  seal(plain: Uint8Array, place: string): Uint8Array;
  /** Throws when `sealed` was not made for `place`. */
  unseal(sealed: Uint8Array, place: string): Uint8Array;
  /** Equal answers for equal texts and no way back without the key: lets a sealed value be found by index. */
  blindIndex(text: string): Uint8Array;
}

/** Seals nothing: for development, with fictitious patients. */
export const openSealer: Sealer = {
  seal: (plain) => plain,
  unseal: (sealed) => sealed,
  blindIndex: (text) => Buffer.from(text, 'utf8'),
};

export function sealJson(sealer: Sealer, value: unknown, place: string): Uint8Array {
  return sealer.seal(Buffer.from(JSON.stringify(value), 'utf8'), place);
}

/** The caller names the type: what comes out is what `sealJson` took for the same place. */
export function unsealJson<Value>(sealer: Sealer, sealed: Uint8Array, place: string): Value {
  return JSON.parse(Buffer.from(sealer.unseal(sealed, place)).toString('utf8')) as Value;
}
