import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseStatus } from './commands/get-data.ts';
import { parseSelectAnswer } from './commands/select.ts';
import {
  bigOf,
  DATA_OBJECTS,
  type DataObjectName,
  encodeObject,
  numberOf,
  parseObjects,
  parseSigned,
  parseTemplate,
} from './messages.ts';
import { parseTickStamp } from './tick-stamp.ts';

const NAMES = Object.keys(DATA_OBJECTS) as DataObjectName[];

/** Any object of the profile with a value that its length allows. */
const dataObject = fc.constantFrom(...NAMES).chain((name) => {
  const object: { tag: number; lengthBytes?: number } = DATA_OBJECTS[name];
  const [minLength, maxLength] = [object.lengthBytes ?? 0, object.lengthBytes ?? 300];
  return fc.uint8Array({ minLength, maxLength }).map((value) => ({ name, value, tag: object.tag }));
});

const malformed = expect.objectContaining({ code: 'sam.failed' });

/** BER as a second opinion: tag and minimal length by string arithmetic. */
function berHex(tag: number, value: Uint8Array): string {
  const size = value.length.toString(16).padStart(value.length > 0xff ? 4 : 2, '0');
  const prefix = value.length > 0xff ? '82' : value.length > 0x7f ? '81' : '';
  return tag.toString(16).padStart(2, '0') + prefix + size + Buffer.from(value).toString('hex');
}

describe('data objects', () => {
  it('are encoded as BER-TLV', () => {
    fc.assert(
      fc.property(dataObject, ({ name, tag, value }) => {
        expect(Buffer.from(encodeObject(name, value)).toString('hex')).toBe(berHex(tag, value));
      }),
    );
  });

  it('come back from what was encoded, in their order only', () => {
    fc.assert(
      fc.property(dataObject, dataObject, (first, second) => {
        fc.pre(first.tag !== second.tag);
        const bytes = Buffer.concat([
          encodeObject(first.name, first.value),
          encodeObject(second.name, second.value),
        ]);
        const parsed = parseObjects(bytes, [first.name, second.name]);
        expect(Buffer.from(parsed[first.name])).toEqual(Buffer.from(first.value));
        expect(Buffer.from(parsed[second.name])).toEqual(Buffer.from(second.value));
        expect(() => parseObjects(bytes, [second.name, first.name])).toThrow(malformed);
        expect(() => parseObjects(bytes, [first.name])).toThrow(malformed);
        expect(() => parseObjects(bytes.subarray(0, -1), [first.name, second.name])).toThrow(malformed);
      }),
    );
  });

  it('of a wrong length are neither sent nor accepted', () => {
    expect(() => encodeObject('tapId', new Uint8Array(15))).toThrow(
      expect.objectContaining({ code: 'internal.bug' }),
    );
    expect(() => parseObjects(Buffer.from('910100', 'hex'), ['tapId'])).toThrow(malformed);
  });
});

describe('numbers', () => {
  it('are big-endian', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
        const bytes = Buffer.from(value.toString(16).padStart(16, '0'), 'hex');
        expect(bigOf(bytes)).toBe(value);
      }),
    );
    expect(numberOf(Uint8Array.of(0xff, 0xff, 0xff, 0xfe))).toBe(0xfffffffe);
  });
});

describe('answers of a SAM that went mad', () => {
  const parsers = [
    parseSelectAnswer,
    parseStatus,
    parseTickStamp,
    (bytes: Uint8Array) => parseSigned(bytes, 0xe7),
    (bytes: Uint8Array) => parseTemplate(bytes, 0xdf21),
  ];
  const wild = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.array(dataObject, { maxLength: 9 }).map((objects) => {
      const content = objects.map(({ name, value }) => encodeObject(name, value));
      return Buffer.from(berHex(0xdf20, Buffer.concat(content)), 'hex');
    }),
  );

  it('are sam.failed or well formed, and nothing else', () => {
    fc.assert(
      fc.property(fc.constantFrom(...parsers), wild, (parse, bytes) => {
        try {
          parse(bytes);
        } catch (thrown) {
          expect(thrown).toEqual(malformed);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('with an unknown state are refused', () => {
    const [samId, state] = [new Uint8Array(8), Uint8Array.of(5)];
    const content = [
      encodeObject('samId', samId),
      encodeObject('state', state),
      encodeObject('useCounter', new Uint8Array(4)),
      encodeObject('usesLeft', new Uint8Array(2)),
      encodeObject('ticks', new Uint8Array(8)),
      encodeObject('tickNonce', new Uint8Array(16)),
      encodeObject('tickPeriodMs', new Uint8Array(2)),
      encodeObject('version', new Uint8Array(4)),
      encodeObject('networkId', new Uint8Array(16)),
    ];
    const answer = Buffer.from(berHex(0xdf20, Buffer.concat(content)), 'hex');
    expect(() => parseStatus(answer)).toThrow(expect.objectContaining({ context: { malformed: 'state' } }));
  });
});
