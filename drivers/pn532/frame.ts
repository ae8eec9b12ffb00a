/**
 * The envelope of every message between host and PN532.
 *
 * Normal `00 00 FF LEN LCS payload DCS 00`, extended `00 00 FF FF FF LENm LENl LCS payload DCS 00`;
 * LEN + LCS and payload + DCS are 0 modulo 256. The payload begins with TFI, which says who speaks.
 *
 * @see UM0701-02 §6.2.1
 */

export const HOST_TO_CHIP = 0xd4;
export const CHIP_TO_HOST = 0xd5;

/** To the chip while a command runs: give it up. */
export const ACK_FRAME: Uint8Array = Uint8Array.of(0x00, 0x00, 0xff, 0x00, 0xff, 0x00);
/** To the chip: say your last answer again. */
export const NACK_FRAME: Uint8Array = Uint8Array.of(0x00, 0x00, 0xff, 0xff, 0x00, 0x00);

const LONGEST_NORMAL_PAYLOAD_BYTES = 255;
/** TFI and 264 bytes. @see UM0701-02 §6.2.1.2 */
export const LONGEST_PAYLOAD_BYTES = 265;

/** Wraps `payload`, TFI first, of at most `LONGEST_PAYLOAD_BYTES`. */
export function encodeFrame(payload: Uint8Array): Uint8Array {
  const { length } = payload;
  if (length === 0 || length > LONGEST_PAYLOAD_BYTES) throw new RangeError(`a payload of ${length} bytes`);
  const header = length <= LONGEST_NORMAL_PAYLOAD_BYTES ? normalHeader(length) : extendedHeader(length);
  const frame = new Uint8Array(header.length + length + 2);
  frame.set(header);
  frame.set(payload, header.length);
  frame[header.length + length] = -sum(payload) & 0xff;
  return frame;
}

function normalHeader(length: number): Uint8Array {
  return Uint8Array.of(0x00, 0x00, 0xff, length, -length & 0xff);
}

function extendedHeader(length: number): Uint8Array {
  const high = length >> 8;
  const low = length & 0xff;
  return Uint8Array.of(0x00, 0x00, 0xff, 0xff, 0xff, high, low, -(high + low) & 0xff);
}

/** Modulo 256. */
export function sum(bytes: Uint8Array): number {
  let total = 0;
  for (const byte of bytes) total += byte;
  return total & 0xff;
}
