import { describe, expect, it, test } from 'vitest';
import { parseAtqb, parseAts } from './card-limits.ts';
import { fromHex } from './testing/scripted-line.ts';

describe('parseAtqb', () => {
  // ATRs of pcsc-tools' list, turned back into ATQBs; libnfc prints the same FWT (309.3 ms) for the first.
  test.each([
    ['My Number Card', '50DEADBEEF000041E0B381A1', 256, 309.3],
    ['HPKI card', '50DEADBEEF004E0000F781D1', 256, 2474.5],
    ['old Juki card', '50DEADBEEF000014E0B38191', 256, 154.7],
  ])('reads the limits of a %s', (_name, hex, frameBytes, frameWaitMs) => {
    const limits = parseAtqb(fromHex(hex));
    expect(limits).toMatchObject({ frameBytes, hasCid: true, guardMs: 0 });
    expect(limits.frameWaitMs).toBeCloseTo(frameWaitMs, 1);
  });

  it('reads a small card without CID', () => {
    expect(parseAtqb(fromHex('500000000000000000001140'))).toMatchObject({ frameBytes: 24, hasCid: false });
  });

  test.each(['', '50DEADBEEF000041E0B381', '51DEADBEEF000041E0B381A1', '50DEADBEEF000041E0B380A1'])(
    'refuses %j',
    (hex) => {
      expect(() => parseAtqb(fromHex(hex))).toThrow('broken-rules');
    },
  );
});

describe('parseAts', () => {
  test.each([
    ['everything', '0578B17002', { frameBytes: 256, hasCid: true, guardMs: 0 }],
    ['no interface byte', '0205', { frameBytes: 64, hasCid: true, guardMs: 0 }],
    ['nothing but its length', '01', { frameBytes: 32, hasCid: true, guardMs: 0 }],
    ['no CID', '034800', { frameBytes: 256, hasCid: false, guardMs: 0 }],
    ['larger frames than the chip takes', '020B', { frameBytes: 256 }],
  ])('reads %s', (_name, hex, limits) => {
    expect(parseAts(fromHex(hex))).toMatchObject(limits);
  });

  it('reads frame waiting and guard time', () => {
    const { frameWaitMs, guardMs } = parseAts(fromHex('0328A3'));
    expect(frameWaitMs).toBeCloseTo(309.3, 1);
    expect(guardMs).toBeCloseTo(2.4, 1);
  });

  it('refuses a length that is not its own', () => {
    expect(() => parseAts(fromHex('0578B170'))).toThrow('broken-rules');
  });
});
