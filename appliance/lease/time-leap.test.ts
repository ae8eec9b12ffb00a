import { expect, test } from 'vitest';
import { systemBootClock } from '#drivers/network/boot-clock.ts';
import { systemClock } from '#ports/clock.ts';
import { TimeLeaps } from './time-leap.ts';

function makeLeaps() {
  const clocks = { monotonicMs: 1_000, wallMs: 5_000_000, bootMs: 1_000 as number | undefined, slowMs: 0 };
  const clock = {
    nowMs: () => clocks.wallMs,
    monotonicMs: () => {
      clocks.monotonicMs += clocks.slowMs;
      return clocks.monotonicMs;
    },
    sleep: async () => {},
  };
  const pass = (ms: number): void => {
    clocks.monotonicMs += ms;
    clocks.wallMs += ms;
    if (clocks.bootMs !== undefined) clocks.bootMs += ms;
  };
  return { clocks, pass, leaps: new TimeLeaps(clock, () => clocks.bootMs) };
}

test('tells a leap once', () => {
  const { clocks, pass, leaps } = makeLeaps();
  expect(leaps.check()).toBeUndefined();
  pass(60_000);
  expect(leaps.check()).toBeUndefined();
  clocks.bootMs! += 1_501;
  clocks.wallMs += 1_501;
  expect(leaps.check()).toBe('suspended');
  expect(leaps.check()).toBeUndefined();
  clocks.wallMs -= 2_001;
  expect(leaps.check()).toBe('clock-jumped');
  expect(leaps.check()).toBeUndefined();
});

test('a process that was held up between two readings takes it for no leap', () => {
  const { clocks, leaps } = makeLeaps();
  leaps.check();
  clocks.slowMs = 3_000;
  expect(leaps.check()).toBeUndefined();
  clocks.slowMs = 0;
  clocks.wallMs += 3_000 * 10;
  clocks.bootMs! += 3_000 * 10;
  expect(leaps.check()).toBeUndefined();
});

test('where nobody knows the boot time, the wall clock still speaks', () => {
  const { clocks, pass, leaps } = makeLeaps();
  clocks.bootMs = undefined;
  leaps.check();
  pass(10_000);
  expect(leaps.check()).toBeUndefined();
  clocks.wallMs += 2_001;
  expect(leaps.check()).toBe('clock-jumped');
});

test('the real clocks of an awake machine go alike, in whole seconds too', async () => {
  const coarse = (): number => Math.floor(systemBootClock()! / 1_000) * 1_000;
  for (const boot of [systemBootClock, coarse]) {
    const leaps = new TimeLeaps(systemClock, boot);
    const untilMs = performance.now() + 1_200;
    while (performance.now() < untilMs) {
      expect(leaps.check()).toBeUndefined();
      await systemClock.sleep(20);
    }
  }
});
