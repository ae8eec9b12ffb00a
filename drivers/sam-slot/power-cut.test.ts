import { describe, expect, it } from 'vitest';
import type { Clock } from '#ports/clock.ts';
import { type PowerCut, takePowerOff } from './power-cut.ts';

/** Time runs when it is told to. */
function handClock() {
  let nowMs = 0;
  const sleepers = new Set<{ readonly atMs: number; readonly wake: () => void }>();
  const clock: Clock = {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const sleeper = { atMs: nowMs + ms, wake: resolve };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', () => {
          sleepers.delete(sleeper);
          reject(signal.reason);
        });
      }),
  };
  const pass = async (ms: number): Promise<void> => {
    nowMs += ms;
    for (const sleeper of [...sleepers]) if (sleeper.atMs <= nowMs) sleeper.wake();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { clock, pass, sleepers };
}

function scripted(name: string, afterMs: number, outcome: () => Promise<void>) {
  const made = {
    name,
    afterMs,
    calls: 0,
    cut: (): Promise<void> => {
      made.calls += 1;
      return outcome();
    },
  };
  return made satisfies PowerCut;
}

const never = new Promise<void>(() => {});
const works = (): Promise<void> => Promise.resolve();
const fails = (): Promise<void> => Promise.reject(new Error('no such port'));

describe('the power of the SAM', () => {
  it('is not cut when PC/SC takes it off in time, and no cut waits any longer', async () => {
    const { clock, pass, sleepers } = handClock();
    const port = scripted('port', 60, works);
    expect(await takePowerOff(Promise.resolve(), [port], clock)).toBeUndefined();
    expect(sleepers.size).toBe(0);
    await pass(1_000);
    expect(port.calls).toBe(0);
  });

  it('is cut when PC/SC does not come back, at the time of the cut and not before', async () => {
    const { clock, pass } = handClock();
    const [port, resort] = [scripted('port', 60, works), scripted('resort', 1_000, works)];
    const off = takePowerOff(never, [port, resort], clock);
    await pass(59);
    expect(port.calls).toBe(0);
    await pass(1);
    expect(await off).toBe(port);
    await pass(1_000);
    expect(resort.calls).toBe(0);
  });

  it.each([
    ['fails', fails],
    ['hangs itself', () => never],
  ])('is cut by the next means when one %s', async (_how, outcome) => {
    const { clock, pass } = handClock();
    const resort = scripted('resort', 1_000, works);
    const off = takePowerOff(never, [scripted('port', 60, outcome), resort], clock);
    await pass(60);
    await pass(940);
    // No longer than that for the one that hangs.
    await pass(1_000);
    expect(await off).toBe(resort);
  });

  it('is cut when PC/SC says that it could not', async () => {
    const { clock, pass } = handClock();
    const port = scripted('port', 60, works);
    const off = takePowerOff(Promise.reject(new Error('timeout')), [port], clock);
    await pass(60);
    expect(await off).toBe(port);
  });

  it('is off when PC/SC comes back after a cut that failed', async () => {
    const { clock, pass } = handClock();
    let release = (): void => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const off = takePowerOff(
      released,
      [scripted('port', 60, fails), scripted('resort', 1_000, works)],
      clock,
    );
    await pass(60);
    release();
    expect(await off).toBeUndefined();
  });

  it('is not told to be off before a cut that has begun is over: whoever comes next would lose the SAM', async () => {
    const { clock, pass } = handClock();
    let release = (): void => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    let finish = (): void => {};
    const port = scripted('port', 60, () => {
      const cutting = new Promise<void>((resolve) => {
        finish = resolve;
      });
      return cutting;
    });
    let isTold = false;
    const off = takePowerOff(released, [port], clock).finally(() => {
      isTold = true;
    });
    await pass(60);
    release();
    await pass(0);
    expect(isTold).toBe(false);
    finish();
    expect(await off).toBeUndefined();
  });

  it('stays on where everything fails, and that is said', async () => {
    const { clock, pass } = handClock();
    const off = takePowerOff(Promise.reject(new Error('timeout')), [scripted('port', 60, fails)], clock);
    const said = expect(off).rejects.toBeInstanceOf(AggregateError);
    await pass(60);
    await said;
  });
});
