/** A clock that stands still until a test moves it. */
import type { Clock } from '#ports/clock.ts';

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

  constructor(startMs: number) {
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

  /** Moves the time and wakes, in their order, those whose time has come. */
  async advance(ms: number): Promise<void> {
    const targetMs = this.#elapsedMs + ms;
    // What was under way before happens before.
    await new Promise(setImmediate);
    for (;;) {
      const [next] = this.#sleepers
        .filter(({ dueMs }) => dueMs <= targetMs)
        .sort((a, b) => a.dueMs - b.dueMs);
      if (next === undefined) break;
      this.#sleepers = this.#sleepers.filter((each) => each !== next);
      this.#elapsedMs = Math.max(this.#elapsedMs, next.dueMs);
      next.wake();
      // Whoever was woken may sleep again within the same span.
      await new Promise(setImmediate);
    }
    this.#elapsedMs = targetMs;
  }

  /** Nobody sleeps any more: no timer would keep a process alive. */
  get isQuiet(): boolean {
    return this.#sleepers.length === 0;
  }

  get sleeping(): readonly number[] {
    return this.#sleepers.map(({ ms }) => ms);
  }
}
