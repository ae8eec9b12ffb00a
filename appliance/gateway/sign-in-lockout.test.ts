import { describe, expect, test } from 'vitest';
import { SekishoError } from '#contract/errors.ts';
import { type SignInFailure, type SignInFailureMemory, SignInLockout } from './sign-in-lockout.ts';

const LIMITS = { operatorFailures: 2, operatorLockOutMs: 1_000 };
const refusal = expect.objectContaining({ code: 'operator.locked-out' });

class Memory implements SignInFailureMemory {
  readonly rows = new Map<string, SignInFailure>();

  signInFailures(): readonly SignInFailure[] {
    return [...this.rows.values()];
  }
  recordSignInFailure(failure: SignInFailure): void {
    this.rows.set(failure.keyId, failure);
  }
  forgetSignInFailure(keyId: string): void {
    this.rows.delete(keyId);
  }
}

const fail = (lockout: SignInLockout, keyId: string, code: 'operator.pin-wrong' | 'card.removed') =>
  expect(lockout.attempt(keyId, () => Promise.reject(new SekishoError(code)))).rejects.toMatchObject({
    code,
  });
const succeed = (lockout: SignInLockout, keyId: string) => lockout.attempt(keyId, () => Promise.resolve());

test('pauses one card after failures in a row only', async () => {
  let monotonicMs = 0;
  const lockout = new SignInLockout(new Memory(), LIMITS, { monotonicMs: () => monotonicMs });
  await fail(lockout, 'a', 'operator.pin-wrong');
  await succeed(lockout, 'a');
  await fail(lockout, 'a', 'operator.pin-wrong');
  // A card that is taken away tells nothing about a PIN.
  await fail(lockout, 'a', 'card.removed');
  lockout.requireOpen('a');
  await fail(lockout, 'a', 'operator.pin-wrong');
  expect(() => lockout.requireOpen('a')).toThrow(refusal);
  lockout.requireOpen('b');
  monotonicMs = 1_000;
  lockout.requireOpen('a');
  // It starts afresh: one more failure is not yet a row.
  await fail(lockout, 'a', 'operator.pin-wrong');
  lockout.requireOpen('a');
});

describe('the end of the process', () => {
  test('gives no try back, also in the middle of one', async () => {
    const memory = new Memory();
    const first = new SignInLockout(memory, LIMITS, { monotonicMs: () => 70_000 });
    void first.attempt('a', () => new Promise(() => {}));
    expect(first.takeUnseen('a')).toBe(false);
    const second = new SignInLockout(memory, LIMITS, { monotonicMs: () => 5 });
    second.requireOpen('a');
    expect([second.takeUnseen('a'), second.takeUnseen('a')]).toEqual([true, false]);
    await fail(second, 'a', 'operator.pin-wrong');
    expect(() => second.requireOpen('a')).toThrow(refusal);
  });

  test('makes a pause longer and never shorter', async () => {
    const memory = new Memory();
    let monotonicMs = 400;
    const first = new SignInLockout(memory, LIMITS, { monotonicMs: () => monotonicMs });
    await fail(first, 'a', 'operator.pin-wrong');
    await fail(first, 'a', 'operator.pin-wrong');
    monotonicMs = 1_399;
    const second = new SignInLockout(memory, LIMITS, { monotonicMs: () => monotonicMs });
    monotonicMs = 2_398;
    expect(() => second.requireOpen('a')).toThrow(refusal);
    monotonicMs = 2_399;
    second.requireOpen('a');
  });
});
