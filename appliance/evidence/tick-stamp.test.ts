import { createPublicKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ScriptedSam } from './testdata/scripted-sam.ts';
import vector from './testdata/tick-stamp.json' with { type: 'json' };
import { encodeCompleteStamp, parseCompleteStamp, parseTicks, verifyStamp } from './tick-stamp.ts';

const key = createPublicKey(vector.publicKeyPem);
const { stamp, signature } = vector;

describe('a tick stamp', () => {
  test('is read field by field', () => {
    const { samId, tickNonce, useCounter, digest } = vector;
    expect(parseTicks(stamp)).toEqual({ samId, ticks: 1001n, tickNonce, useCounter, digest });
  });

  test('verifies as openssl signed it, and not with a bit changed', () => {
    expect(verifyStamp({ stamp, signature }, key)).toBe(true);
    expect(verifyStamp({ stamp: stamp.replace('5a5a', '5a5b'), signature }, key)).toBe(false);
    expect(verifyStamp({ stamp, signature: `${signature.slice(0, -2)}00` }, key)).toBe(false);
    expect(verifyStamp({ stamp, signature: '3000' }, key)).toBe(false);
    expect(verifyStamp({ stamp, signature }, new ScriptedSam().keys.publicKey)).toBe(false);
  });

  test('has one layout only', () => {
    const wrong = ['', stamp.slice(0, -2), `${stamp}00`, stamp.toUpperCase(), stamp.replace('e74e', 'e84e')];
    for (const other of wrong) expect(parseTicks(other)).toBeUndefined();
  });

  test('complete, is E7 and 9E; anything else is refused', () => {
    const complete = new ScriptedSam().completeStamp(Buffer.alloc(32, 1)).toString('hex');
    const parts = parseCompleteStamp(complete);
    expect(parts && encodeCompleteStamp(parts)).toBe(complete);
    for (const wrong of ['', stamp, stamp + signature, `${complete}00`, complete.slice(0, -2)]) {
      expect(parseCompleteStamp(wrong)).toBeUndefined();
    }
  });
});
