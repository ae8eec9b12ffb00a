/**
 * One data key at work: seals values with AES-256-GCM and finds them again by HMAC. It exists in memory only while
 * the SAM is open, and is overwritten afterwards.
 *
 * A sealed value is `01 ‖ key id (4) ‖ nonce (12) ‖ tag (16) ‖ ciphertext`, the place being additional data.
 * @see NIST SP 800-38D §8.2.2: random nonces, far below 2^32 values per key
 */
import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto';
import { SekishoError } from '#contract/errors.ts';
import { deriveKeys } from './hkdf.ts';

const KEY_ID_BYTES = 4;
const SEAL_VERSION = 0x01;

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = 1 + KEY_ID_BYTES + NONCE_BYTES + TAG_BYTES;
const CIPHER = 'aes-256-gcm';

export interface DataKey {
  /** Eight hex digits; says which key a value was sealed with, and nothing about the key. */
  readonly id: string;
  seal(plain: Uint8Array, place: string): Uint8Array;
  /** Throws `store.failed` when the value was altered or belongs elsewhere. */
  unseal(sealed: Uint8Array, place: string): Uint8Array;
  blindIndex(text: string): Uint8Array;
  /** Overwrites the key; it must not be used again. */
  destroy(): void;
}

/** `secret` are 32 random bytes; the caller overwrites them. */
export function makeDataKey(secret: Uint8Array): DataKey {
  const id = createHash('sha256').update('SEKISHO-DATA-KEY-ID-1').update(secret).digest();
  const idBytes = id.subarray(0, KEY_ID_BYTES);
  const [sealingKey, indexKey] = deriveKeys(secret, 'SEKISHO-SEAL-1', 'SEKISHO-INDEX-1');
  return {
    id: idBytes.toString('hex'),
    seal(plain, place) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, sealingKey, nonce).setAAD(Buffer.from(place, 'utf8'));
      const body = [cipher.update(plain), cipher.final()];
      return Buffer.concat([Buffer.of(SEAL_VERSION), idBytes, nonce, cipher.getAuthTag(), ...body]);
    },
    unseal(sealed, place) {
      const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
      if (bytes.length < HEAD_BYTES) throw spoiled(place);
      const nonceAt = 1 + KEY_ID_BYTES;
      const tagAt = nonceAt + NONCE_BYTES;
      const decipher = createDecipheriv(CIPHER, sealingKey, bytes.subarray(nonceAt, tagAt))
        .setAAD(Buffer.from(place, 'utf8'))
        .setAuthTag(bytes.subarray(tagAt, HEAD_BYTES));
      try {
        return Buffer.concat([decipher.update(bytes.subarray(HEAD_BYTES)), decipher.final()]);
      } catch {
        throw spoiled(place);
      }
    },
    blindIndex: (text) => createHmac('sha256', indexKey).update(text, 'utf8').digest(),
    destroy() {
      sealingKey.fill(0);
      indexKey.fill(0);
    },
  };
}

export function isSealedBy({ id }: DataKey, sealed: Uint8Array): boolean {
  return sealedWith(sealed) === id;
}

/** Which key sealed the value; undefined when none of this kind did. */
export function sealedWith(sealed: Uint8Array): string | undefined {
  if (sealed[0] !== SEAL_VERSION || sealed.length < HEAD_BYTES) return undefined;
  return Buffer.from(sealed.subarray(1, 1 + KEY_ID_BYTES)).toString('hex');
}

/** Only the table is named: a row's key may be an institution card ID. */
export function spoiled(place: string): SekishoError {
  const [table = ''] = place.split('/');
  return new SekishoError('store.failed', { context: { why: 'sealed value does not open', table } });
}
