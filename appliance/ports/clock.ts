/** Time as an injected port: nothing below reads the wall clock or sleeps by itself. */

export interface Clock {
  /** Wall-clock time, milliseconds since 1970-01-01T00:00:00Z. May jump; never trusted alone. */
  nowMs(): number;
  /** Monotonic time in milliseconds with sub-millisecond fraction; only differences mean something. */
  monotonicMs(): number;
  /** Resolves after `ms`; rejects with `signal.reason` when aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = (): void => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      }, ms);
      signal?.addEventListener('abort', onAbort, { once: true });
    }),
};

/** A constant: without one, each abort makes a DOMException with its stack, which costs more than the timer. */
const CALLED_OFF = new Error('called off');

/** Runs `work` in `ms`, unless that is called off before: by the function that it answers. */
export function after(clock: Pick<Clock, 'sleep'>, ms: number, work: () => void): () => void {
  const waiting = new AbortController();
  clock.sleep(ms, waiting.signal).then(work, () => undefined);
  return () => waiting.abort(CALLED_OFF);
}

/** Settles as `work` does or, when that takes longer than `ms`, as `late` does; `work` goes on by itself. */
export async function within<T>(
  clock: Pick<Clock, 'sleep'>,
  ms: number,
  work: Promise<T>,
  late: () => T,
): Promise<T> {
  let callOff = (): void => undefined;
  const limit = new Promise<void>((resolve) => {
    callOff = after(clock, ms, resolve);
  });
  try {
    return await Promise.race([work, limit.then(late)]);
  } finally {
    callOff();
  }
}
