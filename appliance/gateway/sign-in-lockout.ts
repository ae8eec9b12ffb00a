/**
 * Pauses a card after repeated failures, so that a guesser with a stolen card runs out of time first. By card and not for
 * everybody: who only reaches the network must not be able to keep the operators out. It outlives the process, whose end a
 * guesser can bring about; time is running time, so a pause gets longer by that and never shorter.
 */
import { isSekishoError, SekishoError } from '#contract/errors.ts';
import type { Clock } from '#ports/clock.ts';

export interface SignInFailure {
  readonly keyId: string;
  /** In a row, since the last pause. */
  readonly count: number;
  /** Running time of this gateway over all its lives, in whole milliseconds, as the next one. */
  readonly atMs: number;
  readonly pausedUntilMs: number;
}

/** What outlives the process. */
export interface SignInFailureMemory {
  signInFailures(): readonly SignInFailure[];
  /** In the place of an earlier one of the card. Durable when it returns; throws `store.*`. */
  recordSignInFailure(failure: SignInFailure): void;
  forgetSignInFailure(keyId: string): void;
}

export interface SignInLimits {
  readonly operatorFailures: number;
  readonly operatorLockOutMs: number;
}

export class SignInLockout {
  readonly #memory: SignInFailureMemory;
  readonly #limits: SignInLimits;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #baseMs: number;
  /** By key id; only cards of the roster come here, so it is as short as the roster. */
  readonly #cards: Map<string, SignInFailure>;
  /** Failed in a life before this one. */
  readonly #unseen: Set<string>;

  constructor(memory: SignInFailureMemory, limits: SignInLimits, clock: Pick<Clock, 'monotonicMs'>) {
    this.#memory = memory;
    this.#limits = limits;
    this.#clock = clock;
    const failures = memory.signInFailures();
    this.#cards = new Map(failures.map((each) => [each.keyId, each]));
    this.#unseen = new Set(this.#cards.keys());
    this.#baseMs = Math.max(0, ...failures.map(({ atMs }) => atMs)) - clock.monotonicMs();
  }

  /** @throws SekishoError `operator.locked-out` */
  requireOpen(keyId: string): void {
    if (this.#nowMs() < (this.#cards.get(keyId)?.pausedUntilMs ?? 0))
      throw new SekishoError('operator.locked-out');
  }

  /** Whether the last sign-in with this card failed before this process began; said once. */
  takeUnseen(keyId: string): boolean {
    return this.#unseen.delete(keyId);
  }

  /**
   * Counts as failed before `work` begins, so that an end of the process in the middle makes no try uncounted. Taken back
   * when it succeeds, or ends for another reason than a wrong PIN or signature. Throws `store.*`.
   */
  async attempt<T>(keyId: string, work: () => Promise<T>): Promise<T> {
    const before = this.#cards.get(keyId);
    this.#put(this.#oneMore(keyId, before));
    try {
      const result = await work();
      this.#forget(keyId);
      return result;
    } catch (thrown) {
      const isFailure = isSekishoError(thrown, 'operator.pin-wrong', 'operator.signature-wrong');
      if (!isFailure && before !== undefined) this.#put(before);
      else if (!isFailure) this.#forget(keyId);
      throw thrown;
    }
  }

  #oneMore(keyId: string, before: SignInFailure | undefined): SignInFailure {
    const atMs = this.#nowMs();
    const count = (before?.count ?? 0) + 1;
    const isRow = count >= this.#limits.operatorFailures;
    return {
      keyId,
      count: isRow ? 0 : count,
      atMs,
      pausedUntilMs: isRow ? atMs + this.#limits.operatorLockOutMs : (before?.pausedUntilMs ?? 0),
    };
  }

  #put(failure: SignInFailure): void {
    this.#memory.recordSignInFailure(failure);
    this.#cards.set(failure.keyId, failure);
  }

  #forget(keyId: string): void {
    this.#memory.forgetSignInFailure(keyId);
    this.#cards.delete(keyId);
  }

  #nowMs(): number {
    return Math.floor(this.#baseMs + this.#clock.monotonicMs());
  }
}
