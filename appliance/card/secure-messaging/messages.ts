/**
 * Secure messaging of the text application, byte level: AES-128-CBC for confidentiality only, no MAC.
 * @see docs/protocol-facts.md 1.8 (measured); JIS X 6319-3 §5.4 and Annex D; padding: ISO 7816-4 §10.2.3.1
 */
import { constants, createCipheriv, createDecipheriv, type KeyObject, publicEncrypt } from 'node:crypto';
import { SekishoError } from '#contract/errors.ts';
import { concatBytes } from '../bytes.ts';
import { encodeTlv, parseTlv } from '../tlv.ts';

export const SEED_BYTES = 32;
const KEY_BYTES = 16;
const BLOCK_BYTES = 16;
const TAG_KEY_DELIVERY = 0xa0;
const TAG_ENCRYPTION_KEY = 0x80;
const TAG_CRYPTOGRAM = 0x86;
const TAG_EXPECTED_LENGTH = 0x96;
/** "Padded as in ISO 7816-4"; the card takes no other indicator. */
const PADDING_INDICATOR = Uint8Array.of(0x01);

/** Command data of SET SESSION KEY: the seed under the card's RSA key. */
export function encodeKeyDelivery(seed: Uint8Array, cardKey: KeyObject): Uint8Array {
  const message = encodeTlv(TAG_KEY_DELIVERY, encodeTlv(TAG_ENCRYPTION_KEY, seed));
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  try {
    return new Uint8Array(publicEncrypt({ key: cardKey, padding, oaepHash: 'sha256' }, message));
  } finally {
    message.fill(0);
  }
}

/** All 32 bytes must be unpredictable, but AES-128 takes the first 16. */
export function sessionKey(seed: Uint8Array): Uint8Array {
  return seed.slice(0, KEY_BYTES);
}

/** `86`: encrypted command data. */
export function encodeCryptogram(key: Uint8Array, counter: number, plain: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.ceil((plain.length + 1) / BLOCK_BYTES) * BLOCK_BYTES);
  padded.set(plain);
  padded[plain.length] = 0x80;
  const cipher = createCipheriv('aes-128-cbc', key, initialVector(key, counter)).setAutoPadding(false);
  const encrypted = concatBytes(cipher.update(padded), cipher.final());
  padded.fill(0);
  return encodeTlv(TAG_CRYPTOGRAM, PADDING_INDICATOR, encrypted);
}

/** Reads the `86` object of an answer; anything that does not unpad means that the counters differ. */
export function parseCryptogram(key: Uint8Array, counter: number, answer: Uint8Array): Uint8Array {
  const { value } = parseTlv(answer, TAG_CRYPTOGRAM);
  const encrypted = value.subarray(1);
  if (value[0] !== PADDING_INDICATOR[0] || encrypted.length === 0 || encrypted.length % BLOCK_BYTES !== 0) {
    throw malformed('cryptogram');
  }
  const decipher = createDecipheriv('aes-128-cbc', key, initialVector(key, counter)).setAutoPadding(false);
  const padded = concatBytes(decipher.update(encrypted), decipher.final());
  const end = padded.findLastIndex((byte) => byte !== 0);
  if (padded[end] !== 0x80 || end < padded.length - BLOCK_BYTES) throw malformed('padding');
  return padded.subarray(0, end);
}

/** `96 03 00 <Le>`: how much plain text READ BINARY shall give. */
export function encodeExpectedLength(bytes: number): Uint8Array {
  return encodeTlv(TAG_EXPECTED_LENGTH, Uint8Array.of(0x00, bytes >> 8, bytes & 0xff));
}

/** AES-CBC with a zero vector over the counter as one block, which is one block of AES-ECB. */
function initialVector(key: Uint8Array, counter: number): Uint8Array {
  const block = Buffer.alloc(BLOCK_BYTES);
  block.writeUInt32BE(counter, BLOCK_BYTES - 4);
  const cipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false);
  return concatBytes(cipher.update(block), cipher.final());
}

function malformed(reason: string): SekishoError {
  return new SekishoError('card.protocol', { context: { layer: 'secure-messaging', reason } });
}
