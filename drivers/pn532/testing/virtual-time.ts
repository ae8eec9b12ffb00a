/** A clock whose time passes only while everybody waits: hours of timeouts in milliseconds. */
import type { Clock } from '#ports/clock.ts';

interface Sleeper {
  readonly dueMs: number;
  readonly wake: () => void;
}

export class VirtualTime implements Clock {
  #nowMs = 0;
  readonly #sleepers = new Set<Sleeper>();

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = (): void => {
        this.#sleepers.delete(sleeper);
        reject(signal?.reason);
      };
      const wake = (): void => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      const sleeper: Sleeper = { dueMs: this.#nowMs + ms, wake };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#sleepers.add(sleeper);
    });
  }

  /** Calls back in `ms`, as a timer of the other side would. */
  after(ms: number, act: () => void): void {
    this.#sleepers.add({ dueMs: this.#nowMs + ms, wake: act });
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
      if (this.#wakeNext()) idleTurns = 0;
      else if (++idleTurns > 10) throw new Error('everybody waits for nothing');
    }
    return promise;
  }

  #wakeNext(): boolean {
    let next: Sleeper | undefined;
    for (const sleeper of this.#sleepers) if (!next || sleeper.dueMs < next.dueMs) next = sleeper;
    if (!next) return false;
    this.#sleepers.delete(next);
    this.#nowMs = Math.max(this.#nowMs, next.dueMs);
    next.wake();
    return true;
  }
}
