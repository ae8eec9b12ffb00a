import { describe, expect, test } from 'vitest';
import type { SealedDataKey } from './commands/data-key.ts';
import { DataKeyRecipient } from './data-key-recipient.ts';
import { fromHex, readVectors } from './testdata/vectors.ts';

const file = readVectors('data-key');
const handover = file.vectors.find(({ name }) => name.startsWith('unwrap, RFC 3394'))!;
const samId = fromHex(file.samId);
const wrapped = fromHex(handover.wrapped);
const answer: SealedDataKey = { samPoint: fromHex(handover.samPoint), sealed: fromHex(handover.sealed) };

const recipientOfVector = (id = samId) => new DataKeyRecipient(id, fromHex(file.recipientKey));
const failed = expect.objectContaining({ code: 'sam.failed' });
const flipped = (bytes: Uint8Array, at: number) =>
  bytes.map((byte, index) => (index === at ? byte ^ 1 : byte));

test('opens the answer that openssl sealed', () => {
  const recipient = recipientOfVector();
  expect(Buffer.from(recipient.point)).toEqual(Buffer.from(fromHex(handover.recipientPoint)));
  expect(Buffer.from(recipient.open(wrapped, answer)).toString('hex')).toBe(file.dataKey);
});

test('is another one each time', () => {
  expect(new DataKeyRecipient(samId).point).not.toEqual(new DataKeyRecipient(samId).point);
});

describe('does not open', () => {
  test('the answer to another recipient, or an old one once more', () => {
    expect(() => new DataKeyRecipient(samId).open(wrapped, answer)).toThrow(failed);
  });

  test('an answer that was altered, in whatever byte', () => {
    for (const at of answer.sealed.keys()) {
      const altered = { ...answer, sealed: flipped(answer.sealed, at) };
      expect(() => recipientOfVector().open(wrapped, altered)).toThrow(failed);
    }
  });

  test('an answer that was cut off', () => {
    const cut = { ...answer, sealed: answer.sealed.subarray(0, 32) };
    expect(() => recipientOfVector().open(wrapped, cut)).toThrow(failed);
  });

  test('the answer for another wrapped key, or of another SAM', () => {
    expect(() => recipientOfVector().open(flipped(wrapped, 0), answer)).toThrow(failed);
    expect(() => recipientOfVector(flipped(samId, 7)).open(wrapped, answer)).toThrow(failed);
  });

  test("the answer with another's point", () => {
    const other = { ...answer, samPoint: new DataKeyRecipient(samId).point };
    expect(() => recipientOfVector().open(wrapped, other)).toThrow(failed);
  });

  test.each<[string, Uint8Array]>([
    ['off the curve', flipped(answer.samPoint, 64)],
    ['at infinity', Uint8Array.of(0)],
    ['compressed', Buffer.concat([Buffer.of(2), answer.samPoint.subarray(1, 33)])],
    ['hybrid', Buffer.concat([Buffer.of(6), answer.samPoint.subarray(1)])],
    ['beyond the field', Buffer.concat([Buffer.of(4), Buffer.alloc(64, 0xff)])],
    ['zero', Buffer.concat([Buffer.of(4), Buffer.alloc(64)])],
  ])('with a point %s', (_name, samPoint) => {
    expect(() => recipientOfVector().open(wrapped, { ...answer, samPoint })).toThrow(failed);
  });

  test('anything more when it has forgotten its key', () => {
    const recipient = recipientOfVector();
    recipient.forget();
    expect(() => recipient.open(wrapped, answer)).toThrow(failed);
  });
});
