import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SimulatedSam } from '#drivers/simulated/sam/simulated-sam.ts';
import { blankSamState } from '#drivers/simulated/sam/state.ts';
import { ScriptedSam } from './testdata/scripted-sam.ts';
import vector from './testdata/tick-stamp.json' with { type: 'json' };
import { encodeCompleteStamp, parseCompleteStamp, parseTicks, verifyStamp } from './tick-stamp.ts';

const key = createPublicKey(vector.publicKeyPem);
const { stamp, signature } = vector;

describe('a tick stamp', () => {
  test('is read field by field', () => {
    const { samId, tickNonce, useCounter, tickPeriodMs, digest } = vector;
    expect(parseTicks(stamp)).toEqual({ samId, ticks: 1001n, tickNonce, useCounter, tickPeriodMs, digest });
  });

  test('verifies as openssl signed it, and not with a bit changed', () => {
    expect(verifyStamp({ stamp, signature }, key)).toBe(true);
    expect(verifyStamp({ stamp: stamp.replace('5a5a', '5a5b'), signature }, key)).toBe(false);
    expect(verifyStamp({ stamp, signature: `${signature.slice(0, -2)}00` }, key)).toBe(false);
    expect(verifyStamp({ stamp, signature: '3000' }, key)).toBe(false);
    expect(verifyStamp({ stamp, signature }, new ScriptedSam().keys.publicKey)).toBe(false);
  });

  test('does not verify with any byte of it changed', () => {
    const changes = fc.tuple(fc.nat(stamp.length / 2 - 1), fc.integer({ min: 1, max: 255 }));
    fc.assert(
      fc.property(changes, ([at, flip]) => {
        const changed = Buffer.from(stamp, 'hex');
        changed[at] = changed[at]! ^ flip;
        expect(verifyStamp({ stamp: changed.toString('hex'), signature }, key)).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  test.each([
    ['nothing', ''],
    ['what is not hexadecimal', 'xyz0'],
    ['a raw signature', '11'.repeat(64)],
  ])('does not verify with %s for a signature', (_what, other) => {
    expect(verifyStamp({ stamp, signature: other }, key)).toBe(false);
  });

  test('has one layout only', () => {
    const wrong = ['', stamp.slice(0, -2), `${stamp}00`, stamp.toUpperCase(), stamp.replace('e752', 'e852')];
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

test('the answer of the simulated SAM to TICK STAMP is a complete stamp, and verifies', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const sam = new SimulatedSam({
    state: {
      ...blankSamState(),
      lifeCycle: 'personalised',
      useCounter: 65_538,
      personalisation: {
        samId: vector.samId,
        institutionCode: '1310000001',
        profileId: 'sekisho-ref-1',
        deviceKey: privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64'),
        deviceCertificate: '',
        spPublicKey: '',
        offlineMaxUses: 0,
        offlineMaxTicks: 0,
        tickPeriodMs: 1_000,
        organisation: {},
        idKey: '',
        storageKey: '',
      },
    },
  });
  sam.powerOn();
  sam.process(Buffer.from('00a4040009f053454b4953484f0100', 'hex'));
  const answer = Buffer.from(sam.process(Buffer.from(`8010000020${vector.digest}00`, 'hex'))).toString('hex');
  expect(answer.slice(-4)).toBe('9000');
  const complete = parseCompleteStamp(answer.slice(0, -4))!;
  expect(parseTicks(complete.stamp)).toMatchObject({
    samId: vector.samId,
    useCounter: 65_538,
    tickPeriodMs: 1_000,
    digest: vector.digest,
  });
  expect(verifyStamp(complete, publicKey)).toBe(true);
});
