import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, fromHex, toHex } from './bytes.ts';
import { MalformedTlv, parseSequence, parseTlv, parseTlvs, tlv } from './tlv.ts';

const tag = fc.constantFrom(0x80, 0x9e, 0xa5, 0x5f4e, 0x7f21, 0xdf20);

describe('TLV', () => {
  it('reads what it writes', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(tag, fc.uint8Array({ maxLength: 300 }))), (objects) => {
        const read = parseTlvs(concat(...objects.map(([number, value]) => tlv(number, value))));
        expect(read.map(({ tag: number, value }) => [number, toHex(value)])).toEqual(
          objects.map(([number, value]) => [number, toHex(value)]),
        );
      }),
      { numRuns: 200 },
    );
  });

  it('either reads random bytes or says that they are malformed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          expect(toHex(concat(...parseTlvs(bytes).map(({ encoded }) => encoded)))).toBe(toHex(bytes));
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(MalformedTlv);
        }
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['an indefinite length', '8080'],
    ['a length that is not minimal', '80810100'],
    ['a value that is cut short', '800301'],
    ['a missing length', '80'],
  ])('refuses %s', (_what, hex) => {
    expect(() => parseTlvs(fromHex(hex))).toThrow(MalformedTlv);
  });

  it('insists on the tag, on order and on nothing else', () => {
    expect(() => parseTlv(fromHex('800101'), 0x81)).toThrow(MalformedTlv);
    expect(() => parseTlv(fromHex('8001018100'), 0x80)).toThrow(MalformedTlv);
    expect(() => parseSequence(fromHex('81008000'), [0x80, 0x81])).toThrow(MalformedTlv);
  });
});
