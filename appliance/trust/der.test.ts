import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MalformedDer, parseBits, parseDer, parseOid, parseSmallInteger, parseTime } from './der.ts';

const der = (hex: string): ReturnType<typeof parseDer> =>
  parseDer(Buffer.from(hex.replaceAll(' ', ''), 'hex'), 4096);
const text = (tag: number, value: string): ReturnType<typeof parseDer> =>
  parseDer(Buffer.concat([Buffer.of(tag, value.length), Buffer.from(value)]), 64);

describe('values', () => {
  test.each([
    ['06 03 88 37 03', '2.999.3'],
    ['06 06 2a 86 48 86 f7 0d', '1.2.840.113549'],
    ['06 03 55 1d 0f', '2.5.29.15'],
    ['06 09 2b 06 01 05 05 07 30 01 02', '1.3.6.1.5.5.7.48.1.2'],
  ])('%s is %s (X.690 §8.19, RFC 5280)', (hex, oid) => expect(parseOid(der(hex))).toBe(oid));

  test.each([
    [0x17, '910506234540Z', Date.UTC(1991, 4, 6, 23, 45, 40)],
    [0x17, '491231235959Z', Date.UTC(2049, 11, 31, 23, 59, 59)],
    [0x18, '20520101000000Z', Date.UTC(2052, 0, 1)],
    [0x18, '19920722132100.3Z', Date.UTC(1992, 6, 22, 13, 21, 0, 300)],
  ])('tag %i %s is a time (X.690 §11.7, §11.8)', (tag, value, ms) =>
    expect(parseTime(text(tag, value))).toBe(ms),
  );

  test.each([
    [0x17, '9105062345Z'],
    [0x17, '910506164540-0700'],
    [0x18, '19920722132100.30Z'],
    [0x18, '20230230000000Z'],
    [0x18, '20231301000000Z'],
    [0x18, '20230101240000'],
  ])('tag %i %s is none', (tag, value) => expect(() => parseTime(text(tag, value))).toThrow(MalformedDer));

  test('named bits are counted from the first', () => {
    expect(parseBits(der('03 02 05 a0'))).toEqual([true, false, true]);
    expect(parseBits(der('03 02 07 80'))).toEqual([true]);
    expect(parseBits(der('03 01 00'))).toEqual([]);
  });

  test('integers are minimal and not negative', () => {
    expect(parseSmallInteger(der('02 02 00 80'))).toBe(128);
    for (const hex of ['02 02 00 7f', '02 01 ff', '02 00', '02 06 01 00 00 00 00 00']) {
      expect(() => parseSmallInteger(der(hex))).toThrow(MalformedDer);
    }
  });
});

describe('form', () => {
  test.each([
    ['indefinite length', '30 80 05 00 00 00'],
    ['long form for a short length', '04 81 01 00'],
    ['leading zero in the length', '04 82 00 81'],
    ['value beyond its parent', '30 03 04 02 00'],
    ['trailing byte', '05 00 00'],
    ['multi-byte tag', '1f 81 01 00'],
    ['nothing', ''],
    ['tag alone', '30'],
  ])('%s is refused', (_, hex) => expect(() => der(hex)).toThrow(MalformedDer));

  test('nesting has a bound', () => {
    const nest = (depth: number): Buffer =>
      depth === 0
        ? Buffer.of(5, 0)
        : ((inner) => Buffer.concat([Buffer.of(0x30, inner.length), inner]))(nest(depth - 1));
    expect(() => parseDer(nest(20), 4096)).not.toThrow();
    expect(() => parseDer(nest(30), 4096)).toThrow(MalformedDer);
  });

  test('whatever comes in, only MalformedDer comes out', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        for (const parse of [parseOid, parseTime, parseBits, parseSmallInteger]) {
          try {
            parse(parseDer(bytes, 64));
          } catch (thrown) {
            expect(thrown).toBeInstanceOf(MalformedDer);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
