import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSekishoError, SekishoError } from '#contract/errors.ts';
import {
  type CommandApdu,
  encodeCommand,
  encodedCommandBytes,
  encodeResponse,
  parseCommand,
  parseResponse,
} from './apdu.ts';

interface Case {
  readonly case: string;
  readonly hex: string;
  readonly command: Omit<CommandApdu, 'data'> & { readonly dataHex?: string };
}

const vectors = JSON.parse(readFileSync(new URL('testdata/apdu-cases.json', import.meta.url), 'utf8')) as {
  valid: Case[];
  malformed: { why: string; hex: string }[];
};

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const byte = fc.integer({ min: 0, max: 255 });
const commands: fc.Arbitrary<CommandApdu> = fc
  .record({
    header: fc.tuple(byte, byte, byte, byte),
    data: fc.option(
      fc.oneof(
        fc.uint8Array({ minLength: 1, maxLength: 300 }),
        fc.uint8Array({ minLength: 255, maxLength: 256 }),
      ),
      { nil: undefined },
    ),
    expectedBytes: fc.option(
      fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 65_530, max: 65_536 })),
      { nil: undefined },
    ),
    extended: fc.boolean(),
  })
  .map(({ header: [cla, ins, p1, p2], ...rest }) => ({ cla, ins, p1, p2, ...rest }));

describe('command APDU', () => {
  it.each(vectors.valid)('encodes and parses case $case', ({ hex, command: { dataHex, ...header } }) => {
    const command = dataHex ? { ...header, data: bytes(dataHex) } : header;
    expect(encodeCommand(command)).toEqual(bytes(hex));
    expect(encodeCommand(parseCommand(bytes(hex)))).toEqual(bytes(hex));
    expect(parseCommand(bytes(hex))).toMatchObject(command);
  });

  it.each(vectors.malformed)('refuses a command that is $why', ({ hex }) => {
    expect(() => parseCommand(bytes(hex))).toThrow(SekishoError);
  });

  it('comes back from its own encoding, whatever the case', () => {
    fc.assert(
      fc.property(commands, (command) => {
        const wire = encodeCommand(command);
        const { cla, ins, p1, p2, data, expectedBytes } = parseCommand(wire);
        expect({ cla, ins, p1, p2, data, expectedBytes }).toEqual({
          cla: command.cla,
          ins: command.ins,
          p1: command.p1,
          p2: command.p2,
          data: command.data,
          expectedBytes: command.expectedBytes,
        });
        expect(wire.length).toBe(encodedCommandBytes(command));
      }),
      { numRuns: 300 },
    );
  });

  it('refuses to encode what no APDU can say', () => {
    const header = { cla: 0, ins: 0xb0, p1: 0, p2: 0 };
    expect(() => encodeCommand({ ...header, data: new Uint8Array() })).toThrow(RangeError);
    expect(() => encodeCommand({ ...header, data: new Uint8Array(65_536) })).toThrow(RangeError);
    expect(() => encodeCommand({ ...header, expectedBytes: 0 })).toThrow(RangeError);
    expect(() => encodeCommand({ ...header, expectedBytes: 65_537 })).toThrow(RangeError);
    expect(() => encodeCommand({ ...header, p1: 256 })).toThrow(RangeError);
  });

  it('never fails on random bytes with anything but card.protocol', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (wire) => {
        try {
          expect(encodeCommand(parseCommand(wire))).toEqual(wire);
        } catch (thrown) {
          if (!isSekishoError(thrown, 'card.protocol')) throw thrown;
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('response APDU', () => {
  it('splits data and status', () => {
    expect(parseResponse(bytes('A1B29000'))).toEqual({ data: bytes('A1B2'), sw: 0x9000 });
    expect(parseResponse(bytes('63C2'))).toEqual({ data: new Uint8Array(), sw: 0x63c2 });
  });

  it.each(['', '90', '6000', '0000', '5000', 'A000', 'FFFF'])('refuses %j as a response', (hex) => {
    expect(() => parseResponse(bytes(hex))).toThrow(SekishoError);
  });

  it('comes back from its own encoding', () => {
    const responses = fc.record({
      data: fc.uint8Array({ maxLength: 300 }),
      sw: fc.oneof(fc.integer({ min: 0x6100, max: 0x6fff }), fc.integer({ min: 0x9000, max: 0x9fff })),
    });
    fc.assert(
      fc.property(responses, (response) => {
        expect(parseResponse(encodeResponse(response))).toEqual(response);
      }),
      { numRuns: 200 },
    );
  });
});
