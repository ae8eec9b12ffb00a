/** AES as a chip uses it: single blocks, CBC without the library's padding, and CMAC. */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { concat } from '../bytes.ts';

const BLOCK = 16;
const ZERO_BLOCK = new Uint8Array(BLOCK);

function cipherName(key: Uint8Array, mode: 'cbc' | 'ecb'): string {
  return `aes-${key.length * 8}-${mode}`;
}

export function encryptBlock(key: Uint8Array, block: Uint8Array): Uint8Array {
  const cipher = createCipheriv(cipherName(key, 'ecb'), key, null).setAutoPadding(false);
  return new Uint8Array(Buffer.concat([cipher.update(block), cipher.final()]));
}

export function encryptCbc(key: Uint8Array, iv: Uint8Array, plain: Uint8Array): Uint8Array {
  const cipher = createCipheriv(cipherName(key, 'cbc'), key, iv).setAutoPadding(false);
  return new Uint8Array(Buffer.concat([cipher.update(plain), cipher.final()]));
}

/** `ciphertext` must be whole blocks. */
export function decryptCbc(key: Uint8Array, iv: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  const decipher = createDecipheriv(cipherName(key, 'cbc'), key, iv).setAutoPadding(false);
  return new Uint8Array(Buffer.concat([decipher.update(ciphertext), decipher.final()]));
}

/** Multiplies by x in GF(2^128). @see NIST SP 800-38B §6.1 */
function double(block: Uint8Array): Uint8Array {
  const shifted = block.map((byte, at) => ((byte << 1) | ((block[at + 1] ?? 0) >> 7)) & 0xff);
  if (((block[0] ?? 0) & 0x80) !== 0) shifted[BLOCK - 1] = (shifted[BLOCK - 1] ?? 0) ^ 0x87;
  return shifted;
}

function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, at) => byte ^ (b[at] ?? 0));
}

/** AES-CMAC, 16 bytes. @see NIST SP 800-38B §6.2 */
export function cmac(key: Uint8Array, message: Uint8Array): Uint8Array {
  const wholeKey = double(encryptBlock(key, ZERO_BLOCK));
  const lastAt = Math.max(0, Math.ceil(message.length / BLOCK) - 1) * BLOCK;
  const last = message.subarray(lastAt);
  const padded = new Uint8Array(BLOCK);
  padded.set(last);
  if (last.length < BLOCK) padded[last.length] = 0x80;
  const closing = xor(padded, last.length === BLOCK ? wholeKey : double(wholeKey));
  const chained = encryptCbc(key, ZERO_BLOCK, concat(message.subarray(0, lastAt), closing));
  return chained.slice(-BLOCK);
}
