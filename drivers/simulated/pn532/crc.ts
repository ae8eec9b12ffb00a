/** Checksums of frames on the air. @see ISO 14443-3 Annex B */
import { concat } from '../bytes.ts';

export type RadioType = 'A' | 'B';

/** Both are the reflected CCITT polynomial; they differ in their start value, and type B sends the complement. */
function crcOf(type: RadioType, bytes: Uint8Array): Uint8Array {
  let register = type === 'A' ? 0x6363 : 0xffff;
  for (const byte of bytes) {
    register ^= byte;
    for (let bit = 0; bit < 8; bit += 1) {
      register = (register & 1) === 1 ? (register >> 1) ^ 0x8408 : register >> 1;
    }
  }
  const value = type === 'A' ? register : ~register & 0xffff;
  return Uint8Array.of(value & 0xff, value >> 8);
}

export function withCrc(type: RadioType, bytes: Uint8Array): Uint8Array {
  return concat(bytes, crcOf(type, bytes));
}

/** The frame without its checksum; undefined when the checksum is wrong or missing. */
export function withoutCrc(type: RadioType, frame: Uint8Array): Uint8Array | undefined {
  if (frame.length < 3) return undefined;
  const bytes = frame.slice(0, -2);
  const [low, high] = crcOf(type, bytes);
  return frame.at(-2) === low && frame.at(-1) === high ? bytes : undefined;
}
