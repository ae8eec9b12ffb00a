import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCommand } from '../apdu.ts';
import { concatBytes, encodeHex } from '../bytes.ts';
import type { CardChannel } from '../channel.ts';
import { openExchange } from '../exchange.ts';
import { ScriptedChannel } from '../testing/scripted-channel.ts';
import { encodeTlv } from '../tlv.ts';
import { readFixedFile, readObjectFile } from './read-binary.ts';

interface FileCard extends CardChannel {
  count: number;
}

/** A card with one file, current or by short id 0A; gives at most `blockBytes` per answer, and its own end-of-file status. */
function fileCard(content: Uint8Array, blockBytes = 256, endStatus = 0x9000): FileCard {
  const card: FileCard = {
    name: 'test:file',
    identity: new Uint8Array(),
    maxCommandBytes: 261,
    count: 0,
    close: async () => {},
    transmit: async (wire) => {
      card.count += 1;
      const { p1, p2, ins, expectedBytes = 0 } = parseCommand(wire);
      if (ins !== 0xb0) return Uint8Array.of(0x90, 0x00);
      const offset = p1 & 0x80 ? p2 : (p1 << 8) | p2;
      if (offset >= content.length) return Uint8Array.of(0x6b, 0x00);
      const block = content.subarray(offset, offset + Math.min(expectedBytes, blockBytes));
      const sw = block.length < expectedBytes ? endStatus : 0x9000;
      return concatBytes(block, Uint8Array.of(sw >> 8, sw & 0xff));
    },
  };
  return card;
}

describe('reading a whole file', () => {
  it('takes its length from its own header: the fewest commands, the last with the exact rest', async () => {
    const file = encodeTlv(0x30, new Uint8Array(596).fill(0x5a));
    const hex = encodeHex(file);
    const channel = new ScriptedChannel([
      ['00B08A0000', `${hex.slice(0, 512)} 9000`],
      ['00B0010000', `${hex.slice(512, 1024)} 9000`],
      ['00B0020058', `${hex.slice(1024)} 9000`],
    ]);
    expect(await readObjectFile(openExchange(channel), { shortId: 0x0a })).toEqual(file);
    channel.assertFinished();
  });

  it('selects a file that has no short identifier first', async () => {
    const channel = new ScriptedChannel([
      ['00A4020C020016', '9000'],
      ['00B0000000', '3001AA FFFFFF 9000'],
    ]);
    expect(encodeHex(await readObjectFile(openExchange(channel), { fileId: 0x16 }))).toBe('3001AA');
    channel.assertFinished();
  });

  it('asks for no more than the reader gets right', async () => {
    const file = encodeTlv(0x30, new Uint8Array(300).fill(0x5a));
    const hex = encodeHex(file);
    const channel = new ScriptedChannel([
      ['00B08A00F0', `${hex.slice(0, 480)} 9000`],
      ['00B000F040', `${hex.slice(480)} 9000`],
    ]);
    const exchange = openExchange(Object.assign(channel, { maxReadBlockBytes: 240 }));
    expect(await readObjectFile(exchange, { shortId: 0x0a })).toEqual(file);
    channel.assertFinished();
  });

  it('fetches a waiting answer in such blocks, too', async () => {
    const channel = new ScriptedChannel([
      ['00A4020C020016', '6100'],
      ['00C00000F0', `${'AA'.repeat(240)} 6110`],
      ['00C0000010', `${'BB'.repeat(16)} 9000`],
    ]);
    const exchange = openExchange(Object.assign(channel, { maxReadBlockBytes: 240 }));
    const select = { cla: 0, ins: 0xa4, p1: 0x02, p2: 0x0c, data: Uint8Array.of(0x00, 0x16) };
    expect((await exchange.send(select)).data).toHaveLength(256);
    channel.assertFinished();
  });

  it('reads a file without structure by its known length', async () => {
    const channel = new ScriptedChannel([['00B08600A0', `${'11'.repeat(160)} 9000`]]);
    expect(await readFixedFile(openExchange(channel), { shortId: 0x06 }, 160)).toHaveLength(160);
    channel.assertFinished();
  });

  it('is the same in blocks of any size as in one piece, with filler and either end-of-file status', async () => {
    const cases = fc.record({
      value: fc.uint8Array({ minLength: 20, maxLength: 1500 }),
      filler: fc.integer({ min: 0, max: 50 }),
      asked: fc.integer({ min: 8, max: 300 }),
      given: fc.integer({ min: 8, max: 300 }),
      endStatus: fc.constantFrom(0x9000, 0x6282),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ value, filler, asked, given, endStatus }) => {
        const object = encodeTlv(0x7f21, value);
        const content = concatBytes(object, new Uint8Array(filler).fill(0xff));
        const card = fileCard(content, given, endStatus);
        const options = { maxReadBlockBytes: asked };
        expect(await readObjectFile(openExchange(card), { shortId: 0x0a }, options)).toEqual(object);
        if (given >= asked) expect(card.count).toBe(Math.ceil(object.length / asked));
      }),
      { numRuns: 100 },
    );
  });

  it('refuses a file that is shorter than it says, longer than any offset, or no TLV at all', async () => {
    const code = 'card.protocol';
    const cut = fileCard(encodeTlv(0x30, new Uint8Array(600)).subarray(0, 300));
    await expect(readObjectFile(openExchange(cut), { shortId: 0x0a })).rejects.toMatchObject({ code });
    const huge = fileCard(encodeTlv(0x30, new Uint8Array(40_000)));
    await expect(readObjectFile(openExchange(huge), { shortId: 0x0a })).rejects.toMatchObject({ code });
    const blank = fileCard(new Uint8Array(300).fill(0xff));
    await expect(readObjectFile(openExchange(blank), { shortId: 0x0a })).rejects.toMatchObject({ code });
    const empty = fileCard(new Uint8Array());
    await expect(readObjectFile(openExchange(empty), { shortId: 0x0a })).rejects.toMatchObject({ code });
  });

  it('tells a protected file and a missing one', async () => {
    const guarded = openExchange(new ScriptedChannel([['00B0810000', '6982']]));
    await expect(readObjectFile(guarded, { shortId: 1 })).rejects.toMatchObject({
      code: 'card.security-status',
    });
    const missing = openExchange(new ScriptedChannel([['00B0810000', '6A82']]));
    await expect(readObjectFile(missing, { shortId: 1 })).rejects.toMatchObject({
      code: 'card.file-not-found',
    });
  });
});
