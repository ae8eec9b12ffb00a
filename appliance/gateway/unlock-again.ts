/** An unlock that failed for a moment's reason is tried again by itself: nobody asks twice for one lease, and it needs no hands. */
import { isSekishoError } from '#contract/errors.ts';
import type { Clock } from '#ports/clock.ts';
import type { GatewayCore } from './core.ts';

const FIRST_PAUSE_MS = 300;
const MAX_PAUSE_MS = 30_000;

/**
 * The SAM was powered anew meanwhile, or the broker ended the lease by its own clock a moment after it had begun anew: the
 * next answer of the anchor mends that.
 */
export function isPassing(thrown: unknown): boolean {
  return isSekishoError(thrown, 'network.absent', 'sam.absent', 'sam.locked');
}

export class UnlockAgain {
  readonly #clock: Clock;
  readonly #core: GatewayCore;
  readonly #unlock: () => Promise<void>;
  readonly #stop: AbortSignal;
  #isWaiting = false;
  #pauseMs = FIRST_PAUSE_MS;

  /** `unlock` never rejects. */
  constructor(clock: Clock, core: GatewayCore, unlock: () => Promise<void>, stop: AbortSignal) {
    this.#clock = clock;
    this.#core = core;
    this.#unlock = unlock;
    this.#stop = stop;
  }

  /** Each time later, unless it is not needed by then. */
  later(): void {
    if (!this.#isWaiting) void this.#wait();
  }

  /** It has succeeded. */
  reset(): void {
    this.#pauseMs = FIRST_PAUSE_MS;
  }

  async #wait(): Promise<void> {
    this.#isWaiting = true;
    const pauseMs = this.#pauseMs;
    this.#pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS);
    await this.#clock.sleep(pauseMs, this.#stop).catch(() => undefined);
    this.#isWaiting = false;
    const { sam, network } = this.#core.facts;
    if (!this.#stop.aborted && network === 'registered' && sam.kind === 'locked') await this.#unlock();
  }
}
