import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { type Block, encodeBlock, parseBlock } from './block.ts';
import { fromHex } from './testing/scripted-line.ts';

const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex').toUpperCase();
const none = new Uint8Array(0);

// PCBs with and without CID 1: libnfc's raw R(NAK), and the tables of ISO 14443-4 §7.1.1.1.
const VECTORS: readonly (readonly [string, Block, number | undefined])[] = [
  ['02', { kind: 'information', number: 0, isChained: false, bytes: none }, undefined],
  ['0B01AABB', { kind: 'information', number: 1, isChained: false, bytes: fromHex('AABB') }, 1],
  ['1A0111', { kind: 'information', number: 0, isChained: true, bytes: fromHex('11') }, 1],
  ['A2', { kind: 'ack', number: 0 }, undefined],
  ['AB01', { kind: 'ack', number: 1 }, 1],
  ['BA01', { kind: 'nak', number: 0 }, 1],
  ['B3', { kind: 'nak', number: 1 }, undefined],
  ['CA01', { kind: 'deselect' }, 1],
  ['C2', { kind: 'deselect' }, undefined],
  ['FA0103', { kind: 'wait', multiplier: 3 }, 1],
  ['F23B', { kind: 'wait', multiplier: 59 }, undefined],
];

describe('blocks', () => {
  test.each(VECTORS)('%s both ways', (hex, block, cid) => {
    expect(toHex(encodeBlock(block, cid))).toBe(hex);
    expect(parseBlock(fromHex(hex), cid)).toEqual(block);
  });

  it('reads a CID and a request for time beside a power level', () => {
    expect(parseBlock(fromHex('0AC1AA'), 1)).toMatchObject({ kind: 'information' });
    expect(parseBlock(fromHex('F2C3'), undefined)).toEqual({ kind: 'wait', multiplier: 3 });
  });

  test.each([
    ['nothing', '', undefined],
    ['another CID', '0A02AA', 1],
    ['a CID where none was given', '0A01AA', undefined],
    ['no CID where one was given', '02AA', 1],
    ['a CID cut off', '0A', 1],
    ['a node address', '0600AA', undefined],
    ['an acknowledgement with something behind it', 'A200', undefined],
    ['a request for no time', 'F200', undefined],
    ['a request for a reserved time', 'F23C', undefined],
    ['a request for time that says too much', 'F20101', undefined],
    ['PPS', 'D0', undefined],
    ['a reserved S-block', 'E2', undefined],
  ])('refuses %s', (_name, hex, cid) => {
    expect(parseBlock(fromHex(hex), cid)).toBeUndefined();
  });

  it('reads back whatever it accepts', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 20 }),
        fc.option(fc.constant(1), { nil: undefined }),
        (bytes, cid) => {
          const block = parseBlock(bytes, cid);
          if (block) expect(parseBlock(encodeBlock(block, cid), cid)).toEqual(block);
        },
      ),
      { numRuns: 20_000 },
    );
  });
});
