import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeHostFrame, type HostFrame, HostFrameReader } from './host-line.mjs';

const hostFrame = fc.record({
  id: fc.nat(0xffff_ffff),
  kind: fc.constantFrom('json' as const, 'bytes' as const, 'failure' as const),
  body: fc.uint8Array({ maxLength: 300 }),
});

const encode = ({ id, kind, body }: HostFrame): Buffer => encodeHostFrame(id, kind, body);

test('a call in bytes: length, number, kind, body', () => {
  const frame = encodeHostFrame(258, 'bytes', Uint8Array.of(0x00, 0x20, 0x00, 0x80));
  expect(frame.toString('hex')).toBe('00000009 00000102 01 00200080'.replaceAll(' ', ''));
});

test('frames come out as they went in, wherever the socket cuts them, and nothing of them is left where they passed', () => {
  fc.assert(
    fc.property(fc.array(hostFrame, { maxLength: 8 }), fc.array(fc.nat(2_000)), (frames, cuts) => {
      const reader = new HostFrameReader();
      const stream = Buffer.concat(frames.map(encode));
      const ends = [...cuts.filter((at) => at < stream.length), stream.length].sort((a, b) => a - b);
      const came: HostFrame[] = [];
      let at = 0;
      for (const end of ends) {
        came.push(...reader.push(stream.subarray(at, end)));
        at = end;
      }
      expect(came).toEqual(frames);
      expect(stream.every((byte) => byte === 0)).toBe(true);
    }),
  );
});
