/** How long to wait after failures: doubling, bounded, and never in step with the clinic next door. */
import type { Random } from '#ports/random.ts';
import { LONGEST_RETRY_MS } from '#store/outbox.ts';

export const FIRST_RETRY_MS = 1_000;

/** Between half and all of `FIRST_RETRY_MS · 2^failures`, at most `LONGEST_RETRY_MS`; `failures` counts from 0. */
export function backoffMs(failures: number, random: Random): number {
  const fullMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures);
  const share = Buffer.from(random.bytes(4)).readUInt32BE() / 0xffff_ffff;
  return Math.round((fullMs / 2) * (1 + share));
}
