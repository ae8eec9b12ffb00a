import { expect, test, vi } from 'vitest';
import { after, systemClock } from './clock.ts';
import { VirtualClock } from './testing/virtual-clock.ts';

test('does the work when the time has come, once', async () => {
  const clock = new VirtualClock();
  const work = vi.fn();
  const callOff = after(clock, 100, work);
  await clock.advance(99);
  expect(work).not.toHaveBeenCalled();
  await clock.advance(1);
  await new Promise(setImmediate);
  expect(work).toHaveBeenCalledOnce();
  callOff();
});

test('does nothing when called off before, and leaves no timer behind', async () => {
  const clock = new VirtualClock();
  const work = vi.fn();
  const callOff = after(clock, 100, work);
  callOff();
  callOff();
  expect(clock.isQuiet).toBe(true);
  await clock.advance(200);
  expect(work).not.toHaveBeenCalled();
});

test('by the system clock, too', async () => {
  const work = vi.fn();
  const callOff = after(systemClock, 1, work);
  await new Promise<void>((resolve) => void after(systemClock, 5, resolve));
  callOff();
  expect(work).toHaveBeenCalledOnce();
});
