import { createPrivateKey, randomBytes, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Anchor } from './anchor.ts';
import { identityOf } from './identity.ts';
import { parseQuestion, type Verdict, writeAnswer } from './protocol.ts';
import { RateLimit } from './rate-limit.ts';
import { makeQuestion } from './testing/question.ts';

const vector = (file: string): Buffer =>
  readFileSync(new URL(`../docs/lease-vectors/${file}`, import.meta.url));
const fields = JSON.parse(vector('fields.json').toString('utf8'));
const identity = identityOf(createPrivateKey(vector('anchor-private.pem')));

function makeAnchor(verdict: Verdict = 'granted', allows = () => true) {
  return new Anchor({ identity, devices: { verdictOn: () => verdict }, rateLimit: { allows } });
}

describe('the vectors that openssl made', () => {
  test('the network id is the hash of the public key', () => {
    expect(identity.networkId.toString('hex')).toBe(fields.networkId);
    expect(identity.publicKeyPem).toBe(vector('anchor-public.pem').toString('utf8'));
  });

  test('the question is read as its fields', () => {
    const question = parseQuestion(vector('question.bin'));
    expect(question?.deviceId.toString('hex')).toBe(fields.deviceId);
    expect(question?.networkId.toString('hex')).toBe(fields.networkId);
    expect(question?.nonce.toString('hex')).toBe(fields.nonce);
  });

  test.each(fields.answers as { file: string; sequence: string; verdict: Verdict }[])(
    '$file is written byte for byte',
    ({ file, sequence, verdict }) => {
      const question = parseQuestion(vector('question.bin'))!;
      const bootId = Buffer.from(fields.bootId, 'hex');
      const answer = writeAnswer({ ...question, bootId, sequence: BigInt(sequence), verdict }, (bytes) =>
        sign(null, bytes, identity.privateKey),
      );
      expect(answer.toString('hex')).toBe(vector(file).toString('hex'));
    },
  );
});

describe('an anchor', () => {
  test('answers each question once more in sequence, under one boot id that the next start does not have', () => {
    const anchor = makeAnchor();
    const answers = [1, 2, 3].map(() => anchor.answer(vector('question.bin'), '192.0.2.1')!);
    expect(answers.map((answer) => answer.readBigUInt64BE(88))).toEqual([1n, 2n, 3n]);
    const boots = new Set(answers.map((answer) => answer.subarray(72, 88).toString('hex')));
    const next = makeAnchor().answer(vector('question.bin'), '192.0.2.1')!;
    boots.add(next.subarray(72, 88).toString('hex'));
    expect(boots.size).toBe(2);
    expect(anchor.counters).toMatchObject({ granted: 3, malformed: 0 });
  });

  test.each([
    ['not-registered', 1],
    ['revoked', 2],
  ] as const)('says %s under its signature', (verdict, byte) => {
    const anchor = makeAnchor(verdict);
    expect(anchor.answer(vector('question.bin'), '192.0.2.1')?.readUInt8(96)).toBe(byte);
    expect(anchor.counters[verdict]).toBe(1);
  });

  test('keeps silent for another network and beyond the rate', () => {
    const elsewhere = makeQuestion({
      deviceId: fields.deviceId,
      networkId: '00'.repeat(16),
      nonce: randomBytes(32),
    });
    const anchor = makeAnchor();
    expect(anchor.answer(elsewhere, '192.0.2.1')).toBeUndefined();
    expect(anchor.counters['other-network']).toBe(1);
    const limited = makeAnchor('granted', () => false);
    expect(limited.answer(vector('question.bin'), '192.0.2.1')).toBeUndefined();
    expect(limited.counters['rate-limited']).toBe(1);
  });

  test('keeps silent for whatever is not exactly a question', () => {
    const anchor = makeAnchor();
    const question = vector('question.bin');
    const junk = [Buffer.alloc(0), question.subarray(1), Buffer.concat([question, Buffer.alloc(1)])];
    for (const datagram of junk) expect(anchor.answer(datagram, '192.0.2.1')).toBeUndefined();
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 0, maxLength: 300 }), (bytes) => {
        expect(anchor.answer(Buffer.from(bytes), '192.0.2.1')).toBeUndefined();
      }),
    );
    // Magic and padding, bit by bit; the fields between may be anything.
    for (const offset of [...Array(16).keys(), ...Array.from({ length: 120 }, (_none, at) => 72 + at)]) {
      for (let bit = 0; bit < 8; bit++) {
        const altered = Buffer.from(question);
        altered.writeUInt8(altered.readUInt8(offset) ^ (1 << bit), offset);
        expect(anchor.answer(altered, '192.0.2.1')).toBeUndefined();
      }
    }
    expect(anchor.counters.granted).toBe(0);
    expect(anchor.counters.malformed).toBeGreaterThan(1_000);
  });
});

describe('the rate limit', () => {
  test('holds one address back without holding the others, and forgives with time', () => {
    let nowMs = 0;
    const limit = new RateLimit({ perAddressPerSecond: 5, totalPerSecond: 100 }, () => nowMs);
    const flood = Array.from({ length: 50 }, () => limit.allows('192.0.2.9'));
    expect(flood.filter(Boolean)).toHaveLength(5);
    expect(limit.allows('192.0.2.1')).toBe(true);
    nowMs = 200;
    expect([limit.allows('192.0.2.9'), limit.allows('192.0.2.9')]).toEqual([true, false]);
  });

  test('holds invented addresses back together', () => {
    const limit = new RateLimit({ perAddressPerSecond: 5, totalPerSecond: 100 }, () => 0);
    const flood = Array.from({ length: 10_000 }, (_none, index) => limit.allows(`2001:db8::${index}`));
    expect(flood.filter(Boolean)).toHaveLength(100);
  });
});
