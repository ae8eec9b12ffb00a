import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { ACK_FRAME, encodeFrame, NACK_FRAME } from './frame.ts';
import { FrameDecoder, type Incoming } from './frame-decoder.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));

function decode(...chunks: readonly Uint8Array[]): Incoming[] {
  const decoder = new FrameDecoder();
  return [...chunks.flatMap((chunk) => decoder.push(chunk)), ...decoder.flush()];
}

/** For comparing: kinds, and bytes as hex. */
const tell = (incoming: readonly Incoming[]): string[] =>
  incoming.map((each) => {
    if (each.kind === 'frame') return `frame ${Buffer.from(each.payload).toString('hex')}`;
    if (each.kind === 'discarded') return `${each.reason} ${Buffer.from(each.bytes).toString('hex')}`;
    return each.kind;
  });

const payloads = fc.uint8Array({ minLength: 2, maxLength: 265 });
const pieces = fc.oneof(
  payloads.map(encodeFrame),
  fc.constantFrom(ACK_FRAME, NACK_FRAME, hex('0000FF01FF7F8100')),
  fc.uint8Array({ maxLength: 40 }),
  fc.constantFrom(hex('0000FF'), hex('00FFFFFF0108'), hex('00FF00'), new Uint8Array(20)),
);
const streams = fc.array(pieces, { maxLength: 8 }).map((parts) => Uint8Array.from(Buffer.concat(parts)));

describe('FrameDecoder', () => {
  test.each([
    [
      'an acknowledgement and an answer in one chunk',
      '0000FF00FF00 0000FF06FAD50332010607E800',
      ['ack', 'frame d50332010607'],
    ],
    ['the error frame', '0000FF01FF7F8100', ['syntax-error']],
    ['long padding', '00000000000000 00FF02FED4022A00 0000', ['frame d402']],
    [
      'noise before, between and after',
      '5512 0000FF02FED4022A00 A7 0000FF00FF00 33',
      ['noise 5512', 'frame d402', 'noise a7', 'ack', 'noise 33'],
    ],
    ['a broken length', '0000FF02FDD4022A00', ['length 00ff', 'noise 02fdd4022a']],
    ['a broken checksum', '0000FF02FED4032A00', ['checksum 00ff', 'noise 02fed4032a']],
    ['a zero byte lost on the way', '0000FF03FDD402 2A00 55', ['postamble 00ff', 'noise 03fdd4022a0055']],
    ['an extended length that no PN532 sends', '00FFFFFF020000FE', ['length 00ff', 'noise ffff020000fe']],
    ['the beginning of a frame', '0000FF06FAD503', ['truncated 00ff', 'noise 06fad503']],
    [
      'a whole frame behind a false beginning',
      '00FF20E0 0000FF02FED4022A00',
      ['truncated 00ff', 'noise 20e0', 'frame d402'],
    ],
  ])('reads %s', (_name, stream, expected) => {
    expect(tell(decode(hex(stream)))).toEqual(expected);
  });

  it('reads every length of payload', () => {
    fc.assert(
      fc.property(payloads, (payload) => {
        expect(tell(decode(encodeFrame(payload)))).toEqual([`frame ${Buffer.from(payload).toString('hex')}`]);
      }),
      { numRuns: 500 },
    );
  });

  it('finds the same, however the bytes are cut', () => {
    fc.assert(
      fc.property(streams, fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 30 }), (stream, cuts) => {
        const chunks: Uint8Array[] = [];
        let at = 0;
        for (const cut of cuts) {
          chunks.push(stream.subarray(at, at + cut));
          at += cut;
        }
        chunks.push(stream.subarray(at));
        expect(tell(decode(...chunks))).toEqual(tell(decode(stream)));
        const single = [...stream].map((byte) => Uint8Array.of(byte));
        expect(tell(decode(...single))).toEqual(tell(decode(stream)));
      }),
      { numRuns: 3_000 },
    );
  });

  it('survives random bytes, keeps no more of them than a frame, and still reads the next frame', () => {
    const good = encodeFrame(hex('D50332010607'));
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 700 }), { maxLength: 6 }), (chunks) => {
        const decoder = new FrameDecoder();
        const found = chunks.flatMap((chunk) => decoder.push(chunk));
        for (const each of found) if (each.kind === 'discarded') expect(each.bytes.length).toBeLessThan(520);
        // Silence on the line makes the reader of the line flush.
        decoder.flush();
        expect(tell(decoder.push(good))).toEqual(['frame d50332010607']);
      }),
      { numRuns: 2_000 },
    );
  });

  it('never takes a frame with one byte changed or lost for a good one', () => {
    const damage = fc.record({
      payload: payloads,
      at: fc.nat(),
      flip: fc.integer({ min: 1, max: 255 }),
      isLost: fc.boolean(),
    });
    fc.assert(
      fc.property(damage, ({ payload, at, flip, isLost }) => {
        const frame = encodeFrame(payload);
        const index = 1 + (at % (frame.length - 1));
        const damaged = Uint8Array.from(frame);
        damaged[index] = (damaged[index] ?? 0) ^ flip;
        const received = isLost ? Uint8Array.from(frame.filter((_, each) => each !== index)) : damaged;
        for (const each of decode(received)) if (each.kind === 'frame') expect(each.payload).toEqual(payload);
      }),
      { numRuns: 20_000 },
    );
  });
});
