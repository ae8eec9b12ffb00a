/** A clock that stands still until a test moves it, or lets it run while everybody waits. */
import type { Clock } from '../clock.ts';

interface Sleeper {
  readonly ms: number;
  readonly dueMs: number;
  readonly wake: () => void;
}

export class VirtualClock implements Clock {
  readonly #startMs: number;
  #elapsedMs = 0;
  #wallShiftMs = 0;
  #sleepers: Sleeper[] = [];
  #watchers: (() => void)[] = [];

  constructor(startMs = 0) {
    this.#startMs = startMs;
  }

  nowMs(): number {
    return this.#startMs + this.#elapsedMs + this.#wallShiftMs;
  }

  /** Somebody sets the wall clock; no time passes. */
  shiftWall(ms: number): void {
    this.#wallShiftMs += ms;
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = (): void => {
        this.#sleepers = this.#sleepers.filter((each) => each !== sleeper);
        reject(signal?.reason);
      };
      const wake = (): void => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      const sleeper: Sleeper = { ms, dueMs: this.#elapsedMs + ms, wake };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#sleepers.push(sleeper);
      for (const tell of this.#watchers.splice(0)) tell();
    });
  }

  /** Resolves when somebody sleeps for exactly `ms`. */
  async untilAsleep(ms: number): Promise<void> {
    while (!this.#sleepers.some((sleeper) => sleeper.ms === ms)) {
      await new Promise<void>((resolve) => this.#watchers.push(resolve));
    }
  }

  /** Calls back in `ms`, as a timer of the other side would. */
  after(ms: number, act: () => void): void {
    this.#sleepers.push({ ms, dueMs: this.#elapsedMs + ms, wake: act });
  }

  /** Moves the time and wakes, in their order, those whose time has come. */
  async advance(ms: number): Promise<void> {
    const targetMs = this.#elapsedMs + ms;
    // What was under way before happens before; whoever was woken may sleep again within the same span.
    do await new Promise(setImmediate);
    while (this.#wakeNext(targetMs));
    this.#elapsedMs = targetMs;
  }

  /** Lets time pass until `promise` has settled. Nobody sleeping and nothing settling is a hang, and an error. */
  async run<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
    };
    promise.then(settle, settle);
    for (let idleTurns = 0; !isSettled; ) {
      await new Promise(setImmediate);
      if (isSettled) break;
      if (this.#wakeNext(Number.POSITIVE_INFINITY)) idleTurns = 0;
      else if (++idleTurns > 10) throw new Error('everybody waits for nothing');
    }
    return promise;
  }

  /** Nobody sleeps any more: no timer would keep a process alive. */
  get isQuiet(): boolean {
    return this.#sleepers.length === 0;
  }

  get sleeping(): readonly number[] {
    return this.#sleepers.map(({ ms }) => ms);
  }

  #wakeNext(untilMs: number): boolean {
    let next: Sleeper | undefined;
    for (const sleeper of this.#sleepers) {
      if (sleeper.dueMs <= untilMs && !(next && next.dueMs <= sleeper.dueMs)) next = sleeper;
    }
    if (next === undefined) return false;
    this.#sleepers = this.#sleepers.filter((each) => each !== next);
    this.#elapsedMs = Math.max(this.#elapsedMs, next.dueMs);
    next.wake();
    return true;
  }
}
