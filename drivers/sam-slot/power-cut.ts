/** What takes the power off a SAM when PC/SC does not: in the middle of a command, at a reader that hangs. */
import { type Clock, within } from '#ports/clock.ts';

export interface PowerCut {
  readonly name: string;
  /** From the order on, for whatever is gentler. */
  readonly afterMs: number;
  /** Resolves when the power is off; rejects when it stays on. `signal` says that it need not be any more. */
  cut(signal: AbortSignal): Promise<void>;
  /** As long as the power is off by it. */
  readonly isOff?: boolean;
}

/** Far longer than a cut takes that works. */
const BEGUN_MS = 1_000;

/**
 * Waits for PC/SC, which is asked already, and takes one cut after the other besides, each at its time: a PC/SC call
 * cannot be interrupted. Resolves when the power is off, with what took it off by force; rejects when nothing did.
 */
export async function takePowerOff(
  released: Promise<void>,
  cuts: readonly PowerCut[],
  clock: Clock,
): Promise<PowerCut | undefined> {
  const over = new AbortController();
  const byForce = cuts.map(async (cut) => {
    await clock.sleep(cut.afterMs, over.signal);
    await cut.cut(over.signal);
    return cut;
  });
  try {
    return await Promise.any([released.then(() => undefined), ...byForce]);
  } finally {
    over.abort();
    // What has begun is waited for: whoever opens the SAM next would lose it in the middle.
    await within(clock, BEGUN_MS, Promise.allSettled<unknown>(byForce), () => []);
  }
}
