import { expect, test } from 'vitest';
import { SignInLockout } from './sign-in-lockout.ts';

test('pauses after failures in a row only, and by the monotonic clock only', () => {
  let [wallMs, monotonicMs] = [0, 0];
  const clock = { nowMs: () => wallMs, monotonicMs: () => monotonicMs, sleep: () => Promise.resolve() };
  const lockout = new SignInLockout(clock, 2, 1_000);
  lockout.failed();
  lockout.succeeded();
  lockout.failed();
  lockout.requireOpen();
  lockout.failed();
  const refusal = expect.objectContaining({ code: 'operator.locked-out' });
  expect(() => lockout.requireOpen()).toThrow(refusal);
  wallMs = 1e12;
  expect(() => lockout.requireOpen()).toThrow(refusal);
  monotonicMs = 1_000;
  lockout.requireOpen();
  // It starts afresh: one more failure is not yet a row.
  lockout.failed();
  lockout.requireOpen();
});
