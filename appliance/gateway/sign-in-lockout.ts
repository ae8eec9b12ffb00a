/** Pauses sign-in after repeated failures, so that a stolen card or a guesser runs out of time first. */
import { SekishoError } from '#contract/errors.ts';
import type { Clock } from '#ports/clock.ts';

export class SignInLockout {
  readonly #clock: Clock;
  readonly #failuresAllowed: number;
  readonly #pauseMs: number;
  #failures = 0;
  /** Monotonic: setting the wall clock forward must not end a pause. */
  #pausedUntilMs = 0;

  constructor(clock: Clock, failuresAllowed: number, pauseMs: number) {
    this.#clock = clock;
    this.#failuresAllowed = failuresAllowed;
    this.#pauseMs = pauseMs;
  }

  requireOpen(): void {
    if (this.#clock.monotonicMs() < this.#pausedUntilMs) throw new SekishoError('operator.locked-out');
  }

  failed(): void {
    this.#failures += 1;
    if (this.#failures < this.#failuresAllowed) return;
    this.#failures = 0;
    this.#pausedUntilMs = this.#clock.monotonicMs() + this.#pauseMs;
  }

  succeeded(): void {
    this.#failures = 0;
  }
}
