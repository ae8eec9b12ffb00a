/**
 * How a sleeping chip hears: not at all, until its line has risen five times; then it needs a moment before bytes
 * arrive whole. This is why hosts send 55 55 and zeros first.
 * @see UM0701-02 §7.2.11, PN532/C1 data sheet §8.6.4
 */
import { BITS_PER_BYTE } from './baud.ts';

const RISING_EDGES = 5;
const START_MS = 1;

/** Times the level rises within one character: start bit low, eight bits, stop bit high. */
function risingEdges(byte: number): number {
  let edges = 0;
  let level = 0;
  for (let bit = 0; bit <= 8; bit += 1) {
    const next = bit === 8 ? 1 : (byte >> bit) & 1;
    if (next > level) edges += 1;
    level = next;
  }
  return edges;
}

export class WakeUp {
  #edges = 0;
  #lostUntilMs = 0;

  /** The chip falls asleep. */
  reset(): void {
    this.#edges = 0;
    this.#lostUntilMs = 0;
  }

  /** True from the first byte on that the chip receives whole. `atMs`: when the byte is over, at its real speed. */
  hears(byte: number, atMs: number, baud: number): boolean {
    if (this.#edges >= RISING_EDGES) return atMs - (BITS_PER_BYTE * 1_000) / baud >= this.#lostUntilMs;
    this.#edges += risingEdges(byte);
    if (this.#edges >= RISING_EDGES) this.#lostUntilMs = atMs + START_MS;
    return false;
  }
}
