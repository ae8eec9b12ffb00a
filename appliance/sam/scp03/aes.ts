/** AES as SCP03 needs it: one block, and CBC without any padding of its own. */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { concatBytes } from '#card/bytes.ts';

export const AES_BLOCK_BYTES = 16;

const ZERO_IV = new Uint8Array(AES_BLOCK_BYTES);

export function encryptBlock(key: Uint8Array, block: Uint8Array): Uint8Array {
  return encryptCbc(key, block, ZERO_IV);
}

/** `plain` is a whole number of blocks. */
export function encryptCbc(key: Uint8Array, plain: Uint8Array, iv: Uint8Array = ZERO_IV): Uint8Array {
  const cipher = createCipheriv(`aes-${key.length * 8}-cbc`, key, iv).setAutoPadding(false);
  return concatBytes(cipher.update(plain), cipher.final());
}

/** `encrypted` is a whole number of blocks. */
export function decryptCbc(key: Uint8Array, encrypted: Uint8Array, iv: Uint8Array): Uint8Array {
  const decipher = createDecipheriv(`aes-${key.length * 8}-cbc`, key, iv).setAutoPadding(false);
  return concatBytes(decipher.update(encrypted), decipher.final());
}

/** Padding method 2, always at least one byte. @see ISO/IEC 9797-1 §6.3.3 */
export function padIso9797(data: Uint8Array): Uint8Array {
  const padded = new Uint8Array((Math.floor(data.length / AES_BLOCK_BYTES) + 1) * AES_BLOCK_BYTES);
  padded.set(data);
  padded[data.length] = 0x80;
  return padded;
}

/** The data without its padding; undefined when there is none. */
export function unpadIso9797(padded: Uint8Array): Uint8Array | undefined {
  let end = padded.length - 1;
  while (end >= 0 && padded[end] === 0) {
    end -= 1;
  }
  return padded[end] === 0x80 ? padded.subarray(0, end) : undefined;
}
