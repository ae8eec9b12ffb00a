/** AES-CMAC, which node:crypto lacks. @see RFC 4493 §2 */
import { AES_BLOCK_BYTES, encryptBlock, encryptCbc, padIso9797 } from './aes.ts';

/** 16 bytes; `key` has 16, 24 or 32. */
export function aesCmac(key: Uint8Array, message: Uint8Array): Uint8Array {
  const k1 = double(encryptBlock(key, new Uint8Array(AES_BLOCK_BYTES)));
  const whole = message.length > 0 && message.length % AES_BLOCK_BYTES === 0;
  const blocks = whole ? Uint8Array.from(message) : padIso9797(message);
  const last = blocks.subarray(-AES_BLOCK_BYTES);
  const mask = whole ? k1 : double(k1);
  for (const [index, byte] of mask.entries()) {
    last[index] = (last[index] ?? 0) ^ byte;
  }
  return encryptCbc(key, blocks).subarray(-AES_BLOCK_BYTES);
}

/** Multiplication by x in GF(2^128). @see RFC 4493 §2.3 */
function double(block: Uint8Array): Uint8Array {
  const carried = (block[0] ?? 0) >> 7;
  return block.map((byte, index) => {
    const fromRight = (block[index + 1] ?? 0) >> 7;
    const reduction = index === AES_BLOCK_BYTES - 1 && carried === 1 ? 0x87 : 0;
    return (byte << 1) ^ fromRight ^ reduction;
  });
}
