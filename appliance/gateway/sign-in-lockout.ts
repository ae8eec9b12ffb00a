/**
 * Pauses a card after repeated failures, so that a guesser with a stolen card runs out of time first. By card and not for
 * everybody: who only reaches the network must not be able to keep the operators out.
 */
import { SekishoError } from '#contract/errors.ts';
import type { Clock } from '#ports/clock.ts';

interface Failures {
  count: number;
  /** Monotonic: setting the wall clock forward must not end a pause. */
  pausedUntilMs: number;
}

export class SignInLockout {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #failuresAllowed: number;
  readonly #pauseMs: number;
  /** By key id; only cards of the roster come here, so it is as short as the roster. */
  readonly #cards = new Map<string, Failures>();

  constructor(clock: Pick<Clock, 'monotonicMs'>, failuresAllowed: number, pauseMs: number) {
    this.#clock = clock;
    this.#failuresAllowed = failuresAllowed;
    this.#pauseMs = pauseMs;
  }

  /** @throws SekishoError `operator.locked-out` */
  requireOpen(keyId: string): void {
    const pausedUntilMs = this.#cards.get(keyId)?.pausedUntilMs ?? 0;
    if (this.#clock.monotonicMs() < pausedUntilMs) throw new SekishoError('operator.locked-out');
  }

  failed(keyId: string): void {
    const { count, pausedUntilMs } = this.#cards.get(keyId) ?? { count: 0, pausedUntilMs: 0 };
    const isRow = count + 1 >= this.#failuresAllowed;
    this.#cards.set(keyId, {
      count: isRow ? 0 : count + 1,
      pausedUntilMs: isRow ? this.#clock.monotonicMs() + this.#pauseMs : pausedUntilMs,
    });
  }

  succeeded(keyId: string): void {
    this.#cards.delete(keyId);
  }
}
