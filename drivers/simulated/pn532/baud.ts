/** Serial rates of the chip, and what bytes become when the two ends of a line disagree on theirs. */

/** By the code of SetSerialBaudRate. @see UM0701-02 §7.2.7 */
export const BAUD_RATES = [
  9_600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600, 1_288_000,
] as const;

export const RESET_BAUD = 115_200;
/** Start bit, eight data bits, stop bit. */
export const BITS_PER_BYTE = 10;

/**
 * What a receiver at `toBaud` makes of bytes that were sent back to back at `fromBaud`: it waits for the line to fall,
 * then samples the middle of each of its own bits. A few percent of difference change nothing, as on a real line.
 */
export function receivedAt(bytes: Uint8Array, fromBaud: number, toBaud: number): Uint8Array {
  if (fromBaud === toBaud) return bytes;
  const ratio = fromBaud / toBaud;
  const isHigh = (at: number): boolean => {
    const bit = Math.floor(at);
    const byte = bytes[Math.floor(bit / BITS_PER_BYTE)];
    const place = bit % BITS_PER_BYTE;
    if (byte === undefined || place === BITS_PER_BYTE - 1) return true;
    return place > 0 && ((byte >> (place - 1)) & 1) === 1;
  };
  const received: number[] = [];
  const endBit = bytes.length * BITS_PER_BYTE;
  let at = 0;
  while (at < endBit) {
    if (isHigh(at)) {
      at = Math.floor(at) + 1;
      continue;
    }
    let byte = 0;
    for (let bit = 0; bit < 8; bit += 1) if (isHigh(at + (bit + 1.5) * ratio)) byte |= 1 << bit;
    received.push(byte);
    at += 9.5 * ratio;
    // A receiver that found no stop bit waits until the line is high again.
    while (at < endBit && !isHigh(at)) at = Math.floor(at) + 1;
  }
  return Uint8Array.from(received);
}
