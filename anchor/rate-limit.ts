/** Token buckets: one for each address that asks, one for all together. A flood costs signatures, never the service. */

export interface RateLimits {
  /** A device asks once or twice a second. */
  readonly perAddressPerSecond: number;
  readonly totalPerSecond: number;
}

export const DEFAULT_RATE_LIMITS: RateLimits = { perAddressPerSecond: 20, totalPerSecond: 2_000 };

/** Sender addresses of UDP can be invented: the oldest bucket goes when there are more. */
const MAX_ADDRESSES = 4_096;

class Bucket {
  readonly #perSecond: number;
  #tokens: number;
  #atMs: number;

  constructor(perSecond: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#tokens = perSecond;
    this.#atMs = nowMs;
  }

  take(nowMs: number): boolean {
    const grown = this.#tokens + ((nowMs - this.#atMs) / 1_000) * this.#perSecond;
    this.#tokens = Math.min(this.#perSecond, grown);
    this.#atMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}

export class RateLimit {
  readonly #limits: RateLimits;
  readonly #monotonicMs: () => number;
  readonly #all: Bucket;
  readonly #byAddress = new Map<string, Bucket>();

  constructor(limits: RateLimits, monotonicMs: () => number) {
    this.#limits = limits;
    this.#monotonicMs = monotonicMs;
    this.#all = new Bucket(limits.totalPerSecond, monotonicMs());
  }

  allows(address: string): boolean {
    const nowMs = this.#monotonicMs();
    const own = this.#byAddress.get(address) ?? new Bucket(this.#limits.perAddressPerSecond, nowMs);
    this.#byAddress.delete(address);
    this.#byAddress.set(address, own);
    if (this.#byAddress.size > MAX_ADDRESSES) {
      for (const oldest of this.#byAddress.keys()) {
        this.#byAddress.delete(oldest);
        break;
      }
    }
    return own.take(nowMs) && this.#all.take(nowMs);
  }
}
