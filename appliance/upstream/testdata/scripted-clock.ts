/** A clock whose sleepers wake when the test says so. */
import type { Clock } from '#ports/clock.ts';

export interface ScriptedClock extends Clock {
  /** Waits until somebody sleeps for exactly `ms`, and wakes all who do. */
  wake(ms: number): Promise<void>;
}

export function makeScriptedClock(nowMs: () => number = () => Date.now()): ScriptedClock {
  const sleepers: { ms: number; wake: () => void }[] = [];
  const arrived: (() => void)[] = [];
  return {
    nowMs,
    monotonicMs: () => performance.now(),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const sleeper = { ms, wake: resolve };
        sleepers.push(sleeper);
        signal?.addEventListener('abort', () => {
          sleepers.splice(sleepers.indexOf(sleeper), 1);
          reject(signal.reason);
        });
        for (const notice of arrived.splice(0)) notice();
      }),
    async wake(ms) {
      while (!sleepers.some((sleeper) => sleeper.ms === ms)) {
        await new Promise<void>((resolve) => {
          arrived.push(resolve);
        });
      }
      for (const sleeper of sleepers.filter((one) => one.ms === ms)) {
        sleepers.splice(sleepers.indexOf(sleeper), 1);
        sleeper.wake();
      }
    },
  };
}
