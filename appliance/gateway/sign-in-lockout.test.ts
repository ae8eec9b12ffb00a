import { expect, test } from 'vitest';
import { SignInLockout } from './sign-in-lockout.ts';

test('pauses one card after failures in a row only, and by the monotonic clock only', () => {
  let [wallMs, monotonicMs] = [0, 0];
  const clock = { nowMs: () => wallMs, monotonicMs: () => monotonicMs, sleep: () => Promise.resolve() };
  const lockout = new SignInLockout(clock, 2, 1_000);
  lockout.failed('a');
  lockout.succeeded('a');
  lockout.failed('a');
  lockout.requireOpen('a');
  lockout.failed('a');
  const refusal = expect.objectContaining({ code: 'operator.locked-out' });
  expect(() => lockout.requireOpen('a')).toThrow(refusal);
  lockout.requireOpen('b');
  wallMs = 1e12;
  expect(() => lockout.requireOpen('a')).toThrow(refusal);
  monotonicMs = 1_000;
  lockout.requireOpen('a');
  // It starts afresh: one more failure is not yet a row.
  lockout.failed('a');
  lockout.requireOpen('a');
});
