/** What a SAM forgets: the unlock, its limits, the challenge, the ticks. Gone with power, reset and re-select. */
import type { Clock } from '#ports/clock.ts';
import type { Random } from '#ports/random.ts';

export interface Unlock {
  readonly how: 'online' | 'offline';
  readonly networkId: Uint8Array;
  readonly maxTicks: number;
  readonly startTicks: number;
  usesLeft: number;
}

export class SamSession {
  readonly tickNonce: Uint8Array;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #startMs: number;
  /** 0: ticks count stamps, not time. */
  readonly #tickPeriodMs: number;
  #stamps = 0;
  #challenge: Uint8Array | undefined;
  #unlock: Unlock | undefined;

  constructor(clock: Clock, random: Random, tickPeriodMs: number) {
    this.#clock = clock;
    this.#random = random;
    this.#startMs = clock.monotonicMs();
    this.#tickPeriodMs = tickPeriodMs;
    this.tickNonce = random.bytes(16);
  }

  get ticks(): number {
    if (this.#tickPeriodMs === 0) return this.#stamps;
    return Math.floor((this.#clock.monotonicMs() - this.#startMs) / this.#tickPeriodMs);
  }

  /** Counts a stamp, which is a tick in the date-stamp variant. */
  countStamp(): void {
    this.#stamps += 1;
  }

  newChallenge(): Uint8Array {
    this.#challenge = this.#random.bytes(32);
    return this.#challenge;
  }

  /** The outstanding challenge, once. */
  takeChallenge(): Uint8Array | undefined {
    const challenge = this.#challenge;
    this.#challenge = undefined;
    return challenge;
  }

  /** The unlock in force; it ends by itself when its ticks are over. */
  get unlock(): Unlock | undefined {
    const unlock = this.#unlock;
    if (unlock !== undefined && unlock.maxTicks > 0 && this.ticks - unlock.startTicks >= unlock.maxTicks) {
      this.#unlock = undefined;
    }
    return this.#unlock;
  }

  open(unlock: Omit<Unlock, 'startTicks'>): void {
    this.#unlock = { ...unlock, startTicks: this.ticks };
  }

  lock(): void {
    this.#unlock = undefined;
  }
}
