import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSekishoError, SekishoError } from '#contract/errors.ts';
import { concatBytes } from './bytes.ts';
import { encodeTlv, findTlv, parseCardFile, parseTlv, parseTlvHeader, parseTlvs } from './tlv.ts';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const tags = fc.constantFrom(0x80, 0x9e, 0x30, 0x5f37, 0x7f21, 0xdf11, 0xff20, 0x9f08, 0xdf8101);

describe('strict TLV', () => {
  it('reads tags of one to three bytes and lengths of one to four', () => {
    expect(parseTlvHeader(bytes('80 01'))).toEqual({ tag: 0x80, headerBytes: 2, valueBytes: 1 });
    expect(parseTlvHeader(bytes('5F4E 820129'))).toEqual({ tag: 0x5f4e, headerBytes: 5, valueBytes: 297 });
    expect(parseTlvHeader(bytes('DF8101 8180'))).toEqual({ tag: 0xdf8101, headerBytes: 5, valueBytes: 128 });
    expect(parseTlvHeader(bytes('30 83010000'))).toEqual({ tag: 0x30, headerBytes: 5, valueBytes: 65_536 });
  });

  it.each([
    ['nothing at all', ''],
    ['a tag alone', '80'],
    ['tag 00', '0000'],
    ['a tag cut off', '5F'],
    ['a tag number with a leading zero', 'DF8001 00'],
    ['a tag of four bytes', 'DF81818101 00'],
    ['the indefinite length', '30 80 0000'],
    ['a length that needs no 81', `80 817F${'00'.repeat(127)}`],
    ['a length that needs no 82', `80 8200FF${'00'.repeat(255)}`],
    ['a length of four bytes', '80 8400000001 00'],
    ['a length cut off', '80 8201'],
    ['a value cut off', '80 02 00'],
    ['trailing bytes', '80 01 00 00'],
  ])('refuses %s', (_, hex) => {
    expect(() => parseTlv(bytes(hex))).toThrow(SekishoError);
  });

  it('refuses another tag than the one asked for, and doubled or missing objects', () => {
    expect(() => parseTlv(bytes('800100'), 0x81)).toThrow(SekishoError);
    const objects = parseTlvs(bytes('800100 810101 810102'));
    expect(findTlv(objects, 0x80).value).toEqual(bytes('00'));
    expect(() => findTlv(objects, 0x81)).toThrow(SekishoError);
    expect(() => findTlv(objects, 0x82)).toThrow(SekishoError);
  });

  it('comes back from its own encoding', () => {
    const objects = fc.array(fc.tuple(tags, fc.uint8Array({ maxLength: 300 })), { maxLength: 5 });
    fc.assert(
      fc.property(objects, (list) => {
        const encoded = concatBytes(...list.map(([tag, value]) => encodeTlv(tag, value)));
        expect(parseTlvs(encoded).map(({ tag, value }) => [tag, value])).toEqual(list);
      }),
      { numRuns: 200 },
    );
  });

  it('is canonical: what parses encodes to the same bytes, and random bytes never crash', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (input) => {
        try {
          const objects = parseTlvs(input);
          expect(concatBytes(...objects.map(({ tag, value }) => encodeTlv(tag, value)))).toEqual(input);
        } catch (thrown) {
          if (!isSekishoError(thrown, 'card.protocol')) throw thrown;
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('card files', () => {
  it('end with FF filler, and with nothing else', () => {
    const file = bytes('FF100C 353337363836363737313838');
    expect(parseCardFile(concatBytes(file, bytes('FFFF')), 0xff10).value).toEqual(file.subarray(3));
    expect(parseCardFile(file, 0xff10).bytes).toEqual(file);
    expect(() => parseCardFile(concatBytes(file, bytes('FF00')), 0xff10)).toThrow(SekishoError);
    expect(() => parseCardFile(file, 0xff20)).toThrow(SekishoError);
  });
});
