/** Notices that the box slept, or that somebody set its clock: three clocks that otherwise go alike. */
import type { Clock } from '#ports/clock.ts';
import type { BootClock } from '#ports/surroundings.ts';

/** More than the whole second that the boot clock may be coarse. */
const SUSPEND_MS = 1_500;
/** More than a leap second, less than any attack on a date is worth. */
const JUMP_MS = 2_000;
/** The clocks are read one after the other: if we were held up between, it says nothing. */
const READING_MS = 50;
const READINGS = 5;

export type Leap = 'suspended' | 'clock-jumped';

interface Offsets {
  readonly bootMs: number | undefined;
  readonly wallMs: number;
}

export class TimeLeaps {
  readonly #clock: Clock;
  readonly #boot: BootClock;
  #expected: Offsets | undefined;

  constructor(clock: Clock, boot: BootClock) {
    this.#clock = clock;
    this.#boot = boot;
  }

  /** What happened since the last call. */
  check(): Leap | undefined {
    const offsets = this.#read();
    if (offsets === undefined) return undefined;
    const before = this.#expected;
    this.#expected = offsets;
    if (before === undefined) return undefined;
    if (isApart(before.bootMs, offsets.bootMs, SUSPEND_MS)) return 'suspended';
    if (isApart(before.wallMs, offsets.wallMs, JUMP_MS)) return 'clock-jumped';
    // Many small steps are one large one.
    this.#expected = before;
    return undefined;
  }

  #read(): Offsets | undefined {
    for (let reading = 0; reading < READINGS; reading++) {
      const beforeMs = this.#clock.monotonicMs();
      const bootMs = this.#boot();
      const wallMs = this.#clock.nowMs();
      const afterMs = this.#clock.monotonicMs();
      if (afterMs - beforeMs < READING_MS) {
        return { bootMs: bootMs === undefined ? undefined : bootMs - beforeMs, wallMs: wallMs - beforeMs };
      }
    }
    return undefined;
  }
}

function isApart(before: number | undefined, now: number | undefined, limitMs: number): boolean {
  return before !== undefined && now !== undefined && Math.abs(now - before) > limitMs;
}
