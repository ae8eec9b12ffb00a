import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, fromHex, toHex, uint } from './bytes.ts';
import { CardStatus, parseCommand } from './command.ts';

const header = fromHex('00A40400');

describe('command APDUs', () => {
  it.each([
    ['case 1', '00200080', 0, undefined, false],
    ['case 2 short', '0084000010', 0, 16, false],
    ['case 2 short, 256', '00B0000000', 0, 256, false],
    ['case 2 extended', '00CA7F21000000', 0, 65_536, true],
    ['case 3 short', '00A4020C020018', 2, undefined, false],
    ['case 4 short', '00A404000AD392F00026010000000100', 10, 256, false],
    ['case 4 extended', '802A9E9A0000020102 0100', 2, 256, true],
  ])('reads %s', (_name, hex, dataBytes, le, isExtended) => {
    const command = parseCommand(fromHex(hex));
    expect([command.data.length, command.le, command.isExtended]).toEqual([dataBytes, le, isExtended]);
  });

  it.each(['', '00', '00A404', '00A4040002AA', '00A4040001AABBCC', '00A404000000', '00A40400000002AA'])(
    'answers 6700 to %s',
    (hex) => {
      const parse = (): unknown => parseCommand(fromHex(hex));
      expect(parse).toThrow(CardStatus);
      expect(parse).toThrow('6700');
    },
  );

  it('keeps data of any length in both forms', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 700 }), (data) => {
        const length =
          data.length < 256 ? uint(data.length, 1) : concat(Uint8Array.of(0), uint(data.length, 2));
        const command = parseCommand(concat(header, length, data));
        expect(toHex(command.data)).toBe(toHex(data));
        expect(command.le).toBeUndefined();
      }),
      { numRuns: 100 },
    );
  });
});
