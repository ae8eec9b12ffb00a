/** The same through the PN532 driver: a pty, an emulated chip with the speed of a wire, and the card on its antenna. */
import type { BenchResult } from './result.ts';
import { measureTaps } from './tap.ts';

export function run(): Promise<BenchResult[]> {
  return measureTaps('pn532', { name: 'tap-wall-time-pn532', atMost: 1.1 });
}
