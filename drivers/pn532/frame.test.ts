import { describe, expect, it, test } from 'vitest';
import { encodeFrame, LONGEST_PAYLOAD_BYTES, sum } from './frame.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

describe('encodeFrame', () => {
  // GetFirmwareVersion and its answer: UM0701-02 §7.2.2; the others: traffic of libnfc 1.8.0.
  test.each([
    ['GetFirmwareVersion', 'D402', '0000FF02FED4022A00'],
    ['its answer', 'D50332010607', '0000FF06FAD50332010607E800'],
    ['poll type B', 'D44A010300', '0000FF05FBD44A010300DE00'],
    ['SAMConfiguration', 'D41401', '0000FF03FDD414011700'],
  ])('writes %s', (_name, payload, frame) => {
    expect(
      Buffer.from(encodeFrame(hex(payload)))
        .toString('hex')
        .toUpperCase(),
    ).toBe(frame);
  });

  it('takes a normal frame up to 255 bytes and an extended one up to 265', () => {
    expect([...encodeFrame(new Uint8Array(255)).subarray(0, 5)]).toEqual([0, 0, 0xff, 0xff, 0x01]);
    expect([...encodeFrame(new Uint8Array(256)).subarray(0, 8)]).toEqual([0, 0, 255, 255, 255, 1, 0, 255]);
    expect([...encodeFrame(new Uint8Array(265)).subarray(0, 8)]).toEqual([0, 0, 255, 255, 255, 1, 9, 246]);
    expect(() => encodeFrame(new Uint8Array(LONGEST_PAYLOAD_BYTES + 1))).toThrow(RangeError);
    expect(() => encodeFrame(new Uint8Array(0))).toThrow(RangeError);
  });

  it('makes the checksums zero', () => {
    const payload = Uint8Array.from({ length: 200 }, (_, index) => (index * 37) & 0xff);
    const frame = encodeFrame(payload);
    expect(sum(frame.subarray(3, 5))).toBe(0);
    expect(sum(frame.subarray(5, 5 + payload.length + 1))).toBe(0);
  });
});
