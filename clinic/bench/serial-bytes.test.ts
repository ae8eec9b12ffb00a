import { expect, it } from 'vitest';
import type { Pn532ReaderOptions } from '#drivers/pn532/index.ts';
import { LineCount } from './serial-bytes.ts';

type LineEars = Parameters<Pn532ReaderOptions['openLine']>[1];

const fromHex = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const LINK = { byteMs: 0.1, frameMs: 0.5, blockPayloadBytes: 253, blockOverheadBytes: 3 };

it('counts every byte of the line and every frame on the air, however they are cut', async () => {
  let chip: LineEars | undefined;
  const count = new LineCount();
  const open = count.around(async (_rate, ears) => {
    chip = ears;
    return { send: () => {}, setBaudRate: async () => {}, close: async () => {} };
  });
  const heard: number[] = [];
  const line = await open(115_200, { onBytes: (bytes) => heard.push(...bytes), onLost: () => {} });
  line.send(fromHex('0000FF 02 FE D402 2A 00'));
  count.start();
  // An I-block with two bytes; ACK; the answer with one byte and 9000, in two pieces; NACK, and an extended frame.
  line.send(fromHex('0000FF 05 FB D442 020011 D7 00'));
  chip?.onBytes(fromHex('0000FF00FF00 0000FF 07 F9 D543'));
  chip?.onBytes(fromHex('00 02 AA 9000 AC 00'));
  line.send(fromHex('0000FFFF0000'));
  const long = new Uint8Array(300);
  line.send(Uint8Array.of(...fromHex('0000FFFFFF 012E D1 D442'), ...long, 0xea, 0x00));
  expect(count.airFrames).toEqual([3 + 2, 300 + 2, 4 + 2]);
  expect(heard).toHaveLength(6 + 14);
  expect(count.serialBytes).toBe(12 + 20 + 6 + 312);
  expect(count.boundMs(10_000, LINK)).toBeCloseTo(350 + 31.3 + 1.5, 6);
});
