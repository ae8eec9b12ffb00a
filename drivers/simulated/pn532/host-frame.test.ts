import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, fromHex, toHex } from '../bytes.ts';
import { encodeResponse, type HostFrame, HostFrameDecoder } from './host-frame.ts';
import { frameOf } from './testing/scripted-host.ts';

function decode(...parts: readonly Uint8Array[]): HostFrame[] {
  const decoder = new HostFrameDecoder();
  return parts.flatMap((part) => [...part].flatMap((byte) => decoder.push(byte)));
}

/** Frames as hosts of the field send them. @see docs/protocol-facts.md 5.1 */
const VERSION = fromHex('0000FF02FED4022A00');
const POLL_B = fromHex('0000FF05FBD44A010300DE00');

describe('frames of the host', () => {
  it('are found as they are published', () => {
    expect(decode(VERSION)).toEqual([{ kind: 'command', code: 0x02, data: new Uint8Array() }]);
    expect(decode(POLL_B)).toEqual([{ kind: 'command', code: 0x4a, data: fromHex('010300') }]);
    expect(decode(fromHex('0000FF00FF00'), fromHex('0000FFFF0000'))).toEqual([
      { kind: 'ack' },
      { kind: 'nack' },
    ]);
  });

  it('may be extended, up to 264 bytes after the TFI', () => {
    const data = 'A5'.repeat(263);
    expect(decode(frameOf(`42${data}`))).toEqual([{ kind: 'command', code: 0x42, data: fromHex(data) }]);
    expect(decode(frameOf(`42${data}A5`))).toEqual([]);
  });

  it.each([
    ['a wrong length checksum', '0000FF02FFD4022A00'],
    ['a wrong checksum', '0000FF02FED4022B00'],
    ['no body at all', '0000FF00000000'],
  ])('with %s are passed over, and the next one is found', (_what, hex) => {
    expect(decode(fromHex(hex), VERSION)).toEqual(decode(VERSION));
  });

  it('of somebody else are called foreign', () => {
    expect(decode(fromHex('0000FF02FED5022900'))).toEqual([{ kind: 'foreign' }]);
  });

  it('are found behind a start code that leads nowhere', () => {
    // 00 FF 00 00 FF: the start of a frame inside what looked like a header.
    expect(decode(fromHex('00FF'), VERSION)).toEqual(decode(VERSION));
  });

  it('are found after any noise that holds no start code', () => {
    const noise = fc.uint8Array({ maxLength: 40 }).map((bytes) => bytes.map((byte) => byte & 0x7f));
    fc.assert(
      fc.property(noise, (bytes) => {
        expect(decode(bytes, POLL_B)).toEqual(decode(POLL_B));
      }),
    );
  });

  it('never break the decoder, whatever comes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => void decode(bytes)));
  });
});

describe('responses', () => {
  it('are as published', () => {
    expect(toHex(encodeResponse(0x02, fromHex('32010607')))).toBe('0000FF06FAD50332010607E800');
  });

  it('become extended frames from 256 bytes on', () => {
    expect(toHex(encodeResponse(0x40, new Uint8Array(253)).slice(0, 5))).toBe('0000FFFF01');
    expect(toHex(encodeResponse(0x40, new Uint8Array(254)).slice(0, 8))).toBe('0000FFFFFF0100FF');
    expect(encodeResponse(0x40, new Uint8Array(263))).toHaveLength(275);
    expect(() => encodeResponse(0x40, new Uint8Array(264))).toThrow(RangeError);
  });

  it('carry a checksum that makes their sum zero', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 250 }), (data) => {
        const frame = concat(encodeResponse(0x42, data));
        expect(frame.slice(5, -1).reduce((sum, byte) => (sum + byte) & 0xff, 0)).toBe(0);
      }),
    );
  });
});
