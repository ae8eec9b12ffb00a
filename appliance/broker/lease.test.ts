import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { fromHex, toHex } from '#card/bytes.ts';
import { VirtualClock } from '#ports/testing/virtual-clock.ts';
import { Lease, networkIdOf } from './lease.ts';
import { type AnswerChanges, ScriptedAnchor } from './testing/scripted-anchor.ts';

const DEVICE = '5345534841303031';
let clock: VirtualClock;
let anchor: ScriptedAnchor;
let lease: Lease;
let nextNonce = 0;
const random = { bytes: (length: number): Uint8Array => new Uint8Array(length).fill(++nextNonce) };

beforeEach(() => {
  clock = new VirtualClock(1_000_000);
  anchor = new ScriptedAnchor();
  const terms = { anchorKey: anchor.publicKey, graceMs: 3_000, maxRoundTripMs: 500 };
  lease = new Lease(terms, clock, random);
});

const ask = (): string => toHex(lease.question(fromHex(DEVICE)));
const hear = (question: string, changes?: AnswerChanges): string =>
  lease.answer(fromHex(anchor.answer(question, changes))).verdict;

describe('the vectors of docs/lease-protocol.md', () => {
  const folder = join(import.meta.dirname, '../../docs/lease-vectors');
  const file = (name: string): Uint8Array => new Uint8Array(readFileSync(join(folder, name)));
  const fields = JSON.parse(readFileSync(join(folder, 'fields.json'), 'utf8')) as Record<string, string>;
  const anchorKey = createPublicKey(readFileSync(join(folder, 'anchor-public.pem')));
  const make = (): Lease => {
    const replayed = { bytes: () => fromHex(fields.nonce ?? '') };
    return new Lease({ anchorKey, graceMs: 3_000, maxRoundTripMs: 500 }, clock, replayed);
  };

  test('the network is named after the key, the question is what openssl and printf made', () => {
    expect(toHex(networkIdOf(anchorKey))).toBe(fields.networkId);
    expect(toHex(make().question(fromHex(fields.deviceId ?? '')))).toBe(toHex(file('question.bin')));
  });

  test.each([
    ['answer-granted.bin', 'granted', true],
    ['answer-not-registered.bin', 'not-registered', false],
    ['answer-revoked.bin', 'revoked', false],
  ])('%s is %s, once', (name, verdict, isValid) => {
    const judge = make();
    judge.question(fromHex(fields.deviceId ?? ''));
    expect(judge.answer(file(name)).verdict).toBe(verdict);
    expect(judge.isValid).toBe(isValid);
    expect(judge.answer(file(name)).verdict).toBe('ignored');
  });
});

test('a lease runs from the making of the question, not from the answer', async () => {
  const question = ask();
  await clock.advance(400);
  expect(hear(question)).toBe('granted');
  await clock.advance(2_599);
  expect(lease.isValid).toBe(true);
  await clock.advance(1);
  expect(lease.isValid).toBe(false);
});

describe('ignored and changing nothing', () => {
  const foreign = generateKeyPairSync('ed25519').privateKey;
  const cases: readonly [string, AnswerChanges][] = [
    ['another device', { deviceId: '00'.repeat(8) }],
    ['another network', { networkId: '00'.repeat(16) }],
    ['an unknown verdict', { verdict: 3 }],
    ['something where zeros belong', { zeros: `01${'00'.repeat(14)}` }],
    ['another label', { label: 'SEKISHO-LEASE-A2' }],
    ['another device under another key', { deviceId: '00'.repeat(8), key: foreign }],
  ];
  test.each(cases)('%s', (_what, changes) => {
    expect(hear(ask(), changes)).toBe('ignored');
    expect(lease.isValid).toBe(false);
  });

  test('every length but the right one', () => {
    const answer = fromHex(anchor.answer(ask()));
    for (let length = 0; length <= 400; length++) {
      if (length === answer.length) continue;
      const other = new Uint8Array(length);
      other.set(answer.subarray(0, Math.min(length, answer.length)));
      expect(lease.answer(other).verdict).toBe('ignored');
    }
    expect(lease.answer(answer).verdict).toBe('granted');
  });

  test('an answer to a question that was never asked, or was asked eight questions ago', () => {
    const old = ask();
    for (let count = 0; count < 8; count++) ask();
    expect(hear(old)).toBe('ignored');
  });

  test('a way longer than a house is wide, and an answer after the grace time', async () => {
    const [late, later] = [ask(), ask()];
    await clock.advance(501);
    expect(hear(late)).toBe('ignored');
    await clock.advance(2_500);
    expect(hear(later, { key: foreign })).toBe('ignored');
  });

  test('a sequence that does not grow; a new start of the anchor begins anew', () => {
    expect(hear(ask(), { sequence: 7n })).toBe('granted');
    expect(hear(ask(), { sequence: 7n })).toBe('ignored');
    expect(hear(ask(), { sequence: 6n })).toBe('ignored');
    expect(hear(ask(), { sequence: 1n, boot: 'aa'.repeat(16) })).toBe('granted');
    expect(hear(ask(), { sequence: 8n })).toBe('granted');
  });
});

test('any changed bit of a good answer is worth nothing', () => {
  for (let bit = 0; bit < 176 * 8; bit++) {
    const answer = fromHex(anchor.answer(ask()));
    answer[bit >> 3] = (answer[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(['ignored', 'wrong-key']).toContain(lease.answer(answer).verdict);
  }
  expect(lease.isValid).toBe(false);
});

test('the nonce of an open question under another key: another stands in the place of the anchor', () => {
  const { privateKey } = generateKeyPairSync('ed25519');
  expect(hear(ask(), { key: privateKey })).toBe('wrong-key');
});

test('after its end no answer to an older question brings it back', () => {
  const question = ask();
  hear(ask());
  lease.end();
  expect(lease.isValid).toBe(false);
  expect(hear(question)).toBe('ignored');
  expect(hear(ask())).toBe('granted');
});

test('a clock that is set, or slept, ends it; the next answer begins a new one', () => {
  let jumpMs = 0;
  const jumping = {
    nowMs: () => clock.nowMs() + jumpMs,
    monotonicMs: () => clock.monotonicMs(),
    sleep: clock.sleep.bind(clock),
  };
  const terms = { anchorKey: anchor.publicKey, graceMs: 3_000, maxRoundTripMs: 500 };
  lease = new Lease(terms, jumping, random);
  hear(ask());
  jumpMs = 2_001;
  expect(lease.isValid).toBe(false);
  expect(lease.hasClockJumped).toBe(true);
  hear(ask());
  expect(lease.isValid).toBe(true);
  jumpMs = -1;
  expect(lease.isValid).toBe(false);
});

test('an answer from before the machine slept, or the time was set, is as old as nobody knows', () => {
  const held = ask();
  clock.shiftWall(3_600_000);
  expect(hear(held)).toBe('ignored');
  expect(lease.isValid).toBe(false);
  expect(hear(ask())).toBe('granted');
});
