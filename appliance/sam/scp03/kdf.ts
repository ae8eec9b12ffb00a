/** Key and cryptogram derivation. @see GlobalPlatform Amendment D 1.1.2 §4.1.5, NIST SP 800-108 §5.1 (counter mode) */
import { concatBytes } from '#card/bytes.ts';
import { AES_BLOCK_BYTES } from './aes.ts';
import { aesCmac } from './cmac.ts';

/** What is derived: the last byte of the 12-byte label. @see Amendment D table 4-1 */
export const DERIVATION = {
  cardCryptogram: 0x00,
  hostCryptogram: 0x01,
  cardChallenge: 0x02,
  sessionEnc: 0x04,
  sessionMac: 0x06,
  sessionRmac: 0x07,
} as const;

export type Derivation = (typeof DERIVATION)[keyof typeof DERIVATION];

const LABEL_ZEROS = new Uint8Array(11);

export function derive(
  key: Uint8Array,
  what: Derivation,
  lengthBytes: number,
  context: Uint8Array,
): Uint8Array {
  const bits = lengthBytes * 8;
  const blocks: Uint8Array[] = [];
  for (let counter = 1; blocks.length * AES_BLOCK_BYTES < lengthBytes; counter += 1) {
    const fixed = [what, 0x00, bits >> 8, bits & 0xff, counter];
    blocks.push(aesCmac(key, concatBytes(LABEL_ZEROS, Uint8Array.from(fixed), context)));
  }
  return concatBytes(...blocks).subarray(0, lengthBytes);
}

export interface StaticKeys {
  readonly enc: Uint8Array;
  readonly mac: Uint8Array;
  readonly dek: Uint8Array;
}

export interface SessionKeys {
  readonly enc: Uint8Array;
  readonly mac: Uint8Array;
  readonly rmac: Uint8Array;
}

/** Session keys are as long as the static ones. @see Amendment D §6.2.1 */
export function deriveSessionKeys(keys: StaticKeys, context: Uint8Array): SessionKeys {
  return {
    enc: derive(keys.enc, DERIVATION.sessionEnc, keys.enc.length, context),
    mac: derive(keys.mac, DERIVATION.sessionMac, keys.mac.length, context),
    rmac: derive(keys.mac, DERIVATION.sessionRmac, keys.mac.length, context),
  };
}
