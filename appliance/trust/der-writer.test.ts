import fc from 'fast-check';
import { expect, test } from 'vitest';
import { children, parseDer, parseOid, TAG } from './der.ts';
import {
  DER_NULL,
  encodeAlgorithm,
  encodeDer,
  encodeOid,
  encodeSequence,
  encodeSmallInteger,
  encodeUnsignedInteger,
} from './der-writer.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test.each([
  ['2.999.3', '0603883703'],
  ['1.2.840.113549', '06062a864886f70d'],
  ['2.5.29.15', '0603551d0f'],
  ['1.3.6.1.5.5.7.48.1.2', '06092b0601050507300102'],
])('%s is %s (X.690 §8.19, RFC 5280)', (oid, encoded) => expect(hex(encodeOid(oid))).toBe(encoded));

test('sha256WithRSAEncryption is what RFC 5754 §3.2 and every certificate write', () => {
  expect(hex(encodeAlgorithm('1.2.840.113549.1.1.11', DER_NULL))).toBe('300d06092a864886f70d01010b0500');
});

test.each([
  ['', '020100'],
  ['00', '020100'],
  ['7f', '02017f'],
  ['80', '02020080'],
  ['000080', '02020080'],
  ['0091', '02020091'],
])('the unsigned number %s is %s (X.690 §8.3)', (bytes, encoded) =>
  expect(hex(encodeUnsignedInteger(Buffer.from(bytes, 'hex')))).toBe(encoded),
);

test.each([
  [0x7f, '047f'],
  [0x80, '048180'],
  [0xff, '0481ff'],
  [0x100, '04820100'],
  [0x1_0000, '0483010000'],
])('a length of %i starts with %s (X.690 §8.1.3)', (length, start) =>
  expect(hex(encodeDer(TAG.octetString, new Uint8Array(length))).slice(0, start.length)).toBe(start),
);

test('the strict reader reads back whatever is written', () => {
  const parts = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 4 });
  fc.assert(
    fc.property(parts, (contents) => {
      const written = encodeSequence(...contents.map((each) => encodeDer(TAG.octetString, each)));
      const read = [...children(parseDer(written, 8192))];
      expect(read.map(({ value }) => hex(value))).toEqual(contents.map(hex));
    }),
    { numRuns: 200 },
  );
  const arcs = fc.array(fc.integer({ min: 0, max: 2 ** 40 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(fc.nat(2), fc.nat(39), arcs, (root, second, rest) => {
      const oid = [root, second, ...rest].join('.');
      expect(parseOid(parseDer(encodeOid(oid), 128))).toBe(oid);
    }),
    { numRuns: 200 },
  );
  expect(hex(encodeSmallInteger(3))).toBe('020103');
});
