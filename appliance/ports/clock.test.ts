import { expect, test, vi } from 'vitest';
import { after, systemClock, within } from './clock.ts';
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

test('within: what the work came to, when it comes in time, and no timer is left behind', async () => {
  const clock = new VirtualClock();
  const late = vi.fn(() => 'late');
  await expect(within(clock, 100, Promise.resolve('done'), late)).resolves.toBe('done');
  await expect(within(clock, 100, Promise.reject(new Error('broken')), late)).rejects.toThrow('broken');
  expect(clock.isQuiet).toBe(true);
  expect(late).not.toHaveBeenCalled();
});

test('within: what is late instead, an answer or an error, and nobody waits for the work any more', async () => {
  const clock = new VirtualClock();
  const never = new Promise<string>(() => {});
  const answered = within(clock, 100, never, () => 'late');
  const failed = within(clock, 100, never, () => {
    throw new Error('too late');
  });
  const failing = expect(failed).rejects.toThrow('too late');
  await clock.advance(100);
  await expect(answered).resolves.toBe('late');
  await failing;
});
