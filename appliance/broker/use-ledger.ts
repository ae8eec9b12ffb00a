/** Every use of the organisation key, remembered across restarts: how often, and for which tap. */
import { SekishoError } from '#contract/errors.ts';
import type { Clock } from '#ports/clock.ts';
import type { PermitMemory } from './permit.ts';

export interface Use {
  /** Running time of this broker over all its lives, in whole milliseconds. */
  readonly atMs: number;
  readonly tapId: string;
}

/** What outlives the process. */
export interface BrokerMemory extends PermitMemory {
  /** Oldest first. */
  readonly uses: readonly Use[];
  /** Durable when it returns; throws `store.*`. */
  recordUse(use: Use): void;
  /** The last roster update of the SP, as it came. */
  readonly roster: Uint8Array | undefined;
  saveRoster(update: Uint8Array): void;
  close(): void;
}

export interface UseLimits {
  readonly usesPerMinute: number;
  readonly usesPerDay: number;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** Taps that are remembered however old they are. */
export const LEAST_REMEMBERED_USES = 4_096;

/**
 * Counts on running time, which goes on from the last use when the broker starts anew: neither a restart nor a wall
 * clock set forward gives back a single use. A box that is switched off at night is limited more, never less.
 */
export class UseLedger {
  readonly #memory: BrokerMemory;
  readonly #limits: UseLimits;
  readonly #clock: Clock;
  readonly #baseMs: number;
  #uses: Use[];
  readonly #tapIds: Set<string>;

  constructor(memory: BrokerMemory, limits: UseLimits, clock: Clock) {
    this.#memory = memory;
    this.#limits = limits;
    this.#clock = clock;
    this.#uses = [...memory.uses];
    this.#tapIds = new Set(this.#uses.map(({ tapId }) => tapId));
    this.#baseMs = (this.#uses.at(-1)?.atMs ?? 0) - clock.monotonicMs();
  }

  /** Throws `sam.rate-limited`, `tap.consent-missing` for a tap that was used before, `store.*`. */
  record(tapId: string): void {
    if (this.#tapIds.has(tapId))
      throw new SekishoError('tap.consent-missing', { context: { reason: 'tap used' } });
    const atMs = Math.floor(this.#baseMs + this.#clock.monotonicMs());
    this.#requireBelow(atMs);
    const use = { atMs, tapId };
    this.#memory.recordUse(use);
    this.#uses.push(use);
    this.#tapIds.add(tapId);
    this.#forgetOld(atMs);
  }

  #requireBelow(atMs: number): void {
    const { usesPerMinute, usesPerDay } = this.#limits;
    if (this.#countSince(atMs - MINUTE_MS) >= usesPerMinute) throw limited('minute');
    if (this.#countSince(atMs - DAY_MS) >= usesPerDay) throw limited('day');
  }

  /** Times never go down, so the newer ones are at the end; found by halving, because a day has many. */
  #countSince(sinceMs: number): number {
    let [older, newer] = [-1, this.#uses.length];
    while (newer - older > 1) {
      const middle = (older + newer) >> 1;
      if ((this.#uses[middle]?.atMs ?? 0) <= sinceMs) older = middle;
      else newer = middle;
    }
    return this.#uses.length - newer;
  }

  #forgetOld(atMs: number): void {
    const spare = this.#uses.length - Math.max(LEAST_REMEMBERED_USES, this.#countSince(atMs - DAY_MS));
    // In bulk: forgetting one by one would copy the list at every use.
    if (spare < LEAST_REMEMBERED_USES) return;
    for (const { tapId } of this.#uses.slice(0, spare)) this.#tapIds.delete(tapId);
    this.#uses = this.#uses.slice(spare);
  }
}

function limited(period: string): SekishoError {
  return new SekishoError('sam.rate-limited', { context: { period } });
}
