/** One token bucket per client address, so that one broken phone cannot starve the counter. */
import { SekishoError } from '#contract/errors.ts';
import type { Clock } from '#ports/clock.ts';

const MAX_CLIENTS = 4_096;
/** A page load is a burst; twice the steady rate lets it through. */
const BURST_SECONDS = 2;

interface Bucket {
  tokens: number;
  refilledAtMs: number;
}

/** Answers a function that takes one token for `client`, or throws `request.too-many`. */
export function createRateLimit(clock: Clock, requestsPerSecond: number): (client: string) => void {
  const capacity = requestsPerSecond * BURST_SECONDS;
  const buckets = new Map<string, Bucket>();
  return (client) => {
    const nowMs = clock.monotonicMs();
    const bucket = buckets.get(client) ?? { tokens: capacity, refilledAtMs: nowMs };
    const refilled = bucket.tokens + ((nowMs - bucket.refilledAtMs) / 1_000) * requestsPerSecond;
    bucket.tokens = Math.min(capacity, refilled);
    bucket.refilledAtMs = nowMs;
    // Re-inserting keeps the map in order of use; the client silent for longest goes first.
    buckets.delete(client);
    buckets.set(client, bucket);
    const [oldest] = buckets.keys();
    if (buckets.size > MAX_CLIENTS && oldest !== undefined) buckets.delete(oldest);
    if (bucket.tokens < 1) throw new SekishoError('request.too-many');
    bucket.tokens -= 1;
  };
}
