import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSekishoError, SekishoError } from '#contract/errors.ts';
import { parseCommand } from './apdu.ts';
import { concatBytes, encodeHex } from './bytes.ts';
import type { CardChannel, TransmitOptions } from './channel.ts';
import { type ApduTrace, openExchange } from './exchange.ts';
import { ScriptedChannel, type ScriptLine } from './testing/scripted-channel.ts';

const read = { cla: 0x00, ins: 0xb0, p1: 0x00, p2: 0x00, expectedBytes: 256 };

/** A channel made of one function; keeps what it was sent. */
function channelOf(
  answer: (command: Uint8Array, options?: TransmitOptions) => Promise<Uint8Array>,
  maxCommandBytes = 261,
): CardChannel & { readonly sent: Uint8Array[] } {
  const sent: Uint8Array[] = [];
  return {
    name: 'test:card',
    identity: new Uint8Array(),
    maxCommandBytes,
    sent,
    transmit: (command, options) => {
      sent.push(command);
      return answer(command, options);
    },
    close: async () => {},
  };
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.fail('should have been refused'),
    (thrown: unknown) => thrown,
  );
}

describe('61xx and 6Cxx', () => {
  it('fetches the rest until the answer is whole, and counts every APDU', async () => {
    const channel = new ScriptedChannel([
      ['00B0000000', 'AA 6102'],
      ['00C0000002', 'BBCC 6100'],
      ['00C0000000', 'DD 9000'],
    ]);
    const exchange = openExchange(channel);
    const { data, sw } = await exchange.send(read);
    expect([encodeHex(data), sw]).toEqual(['AABBCCDD', 0x9000]);
    expect(exchange.meter).toEqual({ count: 3, bytesOut: 15, bytesIn: 3 + 4 + 3 });
    channel.assertFinished();
  });

  it('resends once with the length that the card names, also inside GET RESPONSE', async () => {
    const channel = new ScriptedChannel([
      ['00B0000000', '6C04'],
      ['00B0000004', 'A1A2 6110'],
      ['00C0000010', '6C01'],
      ['00C0000001', 'A3 9000'],
    ]);
    const { data } = await openExchange(channel).send(read);
    expect(encodeHex(data)).toBe('A1A2A3');
    channel.assertFinished();
  });

  it('does not resend for ever', async () => {
    const channel = new ScriptedChannel([
      ['00B0000000', '6C04'],
      ['00B0000004', '6C08'],
    ]);
    expect((await openExchange(channel).send(read)).sw).toBe(0x6c08);
  });

  it('gives up on a card that promises more and gives nothing, or never stops', async () => {
    const nothing = channelOf(async () => Uint8Array.of(0x61, 0x10));
    expect(isSekishoError(await rejection(openExchange(nothing).send(read)), 'card.protocol')).toBe(true);
    const endless = channelOf(async () => concatBytes(new Uint8Array(256), Uint8Array.of(0x61, 0x00)));
    expect(isSekishoError(await rejection(openExchange(endless).send(read)), 'card.protocol')).toBe(true);
    expect(endless.sent.length).toBeLessThan(300);
  });
});

describe('command chaining', () => {
  const long = {
    cla: 0x80,
    ins: 0xa2,
    p1: 0x06,
    p2: 0xc1,
    data: new Uint8Array(307).fill(7),
    extended: true,
  };

  it('is not used when the reader can carry the command', async () => {
    const wire = `80A206C1 000133 ${'07'.repeat(307)}`;
    const channel = new ScriptedChannel([[wire, '9000']], { maxCommandBytes: 314 });
    expect((await openExchange(channel).send(long)).sw).toBe(0x9000);
    channel.assertFinished();
  });

  it('splits what does not fit; only the last link has CLA bit 5 clear and carries Le', async () => {
    const channel = new ScriptedChannel(
      [
        [`90A206C1 64 ${'07'.repeat(100)}`, '9000'],
        [`90A206C1 64 ${'07'.repeat(100)}`, '9000'],
        [`90A206C1 64 ${'07'.repeat(100)}`, '9000'],
        [`80A206C1 07 ${'07'.repeat(7)} 10`, 'AB 9000'],
      ],
      { maxCommandBytes: 400 },
    );
    const exchange = openExchange(channel, { maxCommandBytes: 106 });
    expect((await exchange.send({ ...long, expectedBytes: 16 })).data).toEqual(Uint8Array.of(0xab));
    channel.assertFinished();
  });

  it.each(['6884', '6881', '6E00'])(
    'says that the reader is too small when the card answers %s',
    async (sw) => {
      const channel = new ScriptedChannel([[`90A206C1 FF ${'07'.repeat(255)}`, sw]], {
        maxCommandBytes: 262,
      });
      const thrown = await rejection(openExchange(channel).send(long));
      expect(isSekishoError(thrown, 'reader.command-too-long')).toBe(true);
    },
  );

  it('hands back the status of a link that fails', async () => {
    const channel = new ScriptedChannel([[`90A206C1 FF ${'07'.repeat(255)}`, '6A80']], {
      maxCommandBytes: 262,
    });
    expect((await openExchange(channel).send(long)).sw).toBe(0x6a80);
  });

  it('cannot help where there is no data to split', async () => {
    const exchange = openExchange(new ScriptedChannel([], { maxCommandBytes: 4 }));
    expect(isSekishoError(await rejection(exchange.send(read)), 'reader.command-too-long')).toBe(true);
    const sam = openExchange(new ScriptedChannel([], { maxCommandBytes: 4 }), { peer: 'sam' });
    expect(isSekishoError(await rejection(sam.send(read)), 'sam.failed')).toBe(true);
  });

  it('says the same as the whole command, whatever the reader can carry', async () => {
    const cases = fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 700 }), fc.integer({ min: 7, max: 800 }));
    await fc.assert(
      fc.asyncProperty(cases, async ([data, maxCommandBytes]) => {
        const channel = channelOf(async () => Uint8Array.of(0x90, 0x00), maxCommandBytes);
        await openExchange(channel).send({ ...long, data });
        expect(channel.sent.every((wire) => wire.length <= maxCommandBytes)).toBe(true);
        const links = channel.sent.map(parseCommand);
        expect(concatBytes(...links.map((link) => link.data ?? new Uint8Array()))).toEqual(data);
        expect(links.map((link) => link.cla)).toEqual([...links.slice(1).map(() => 0x90), 0x80]);
      }),
      { numRuns: 100 },
    );
  });
});

describe('an exchange', () => {
  it('sends one command at a time, in order', async () => {
    const running: string[] = [];
    const channel = channelOf(async (command) => {
      running.push(`start ${command[3]}`);
      await new Promise((resolve) => setImmediate(resolve));
      running.push(`end ${command[3]}`);
      return Uint8Array.of(0x90, 0x00);
    });
    const exchange = openExchange(channel);
    await Promise.all([1, 2, 3].map((p2) => exchange.send({ ...read, p2 })));
    expect(running).toEqual(['start 1', 'end 1', 'start 2', 'end 2', 'start 3', 'end 3']);
  });

  it('goes on after a command that failed', async () => {
    const gone = new SekishoError('card.mute');
    const channel = new ScriptedChannel([
      ['00B0000000', gone],
      ['00B0000000', '9000'],
    ]);
    const exchange = openExchange(channel);
    const [first, second] = await Promise.allSettled([exchange.send(read), exchange.send(read)]);
    expect(first).toMatchObject({ status: 'rejected', reason: gone });
    expect(second).toMatchObject({ status: 'fulfilled', value: { sw: 0x9000 } });
  });

  it('passes the deadline on: per command, else its own, else the driver decides', async () => {
    const seen: (TransmitOptions | undefined)[] = [];
    const channel = channelOf(async (_, options) => {
      seen.push(options);
      return Uint8Array.of(0x90, 0x00);
    });
    await openExchange(channel).send(read);
    const exchange = openExchange(channel, { timeoutMs: 3000 });
    await exchange.send(read);
    await exchange.send(read, { timeoutMs: 500 });
    expect(seen).toEqual([{}, { timeoutMs: 3000 }, { timeoutMs: 500 }]);
  });

  it('overwrites the encoded copy of a secret, even when the card has gone', async () => {
    const answers = [Uint8Array.of(0x90, 0x00), new SekishoError('card.removed')];
    const channel = channelOf(async () => {
      const answer = answers.shift();
      if (answer instanceof Uint8Array) return answer;
      throw answer;
    });
    const exchange = openExchange(channel);
    const verify = { cla: 0, ins: 0x20, p1: 0, p2: 0x98, data: Uint8Array.from(Buffer.from('1234')) };
    await exchange.send(verify, { secret: true });
    await rejection(exchange.send(verify, { secret: true }));
    expect(channel.sent.map(encodeHex)).toEqual(['00'.repeat(9), '00'.repeat(9)]);
  });

  it('traces names and lengths, never data', async () => {
    const entries: ApduTrace[] = [];
    const script: ScriptLine[] = [
      ['00A4040C0AD392F000260100000001', '9000'],
      ['002000980431323334', '63C2'],
      ['00B0850000', '70617469656E74 9000'],
    ];
    const exchange = openExchange(new ScriptedChannel(script), { trace: (entry) => entries.push(entry) });
    for (const [command] of script) {
      await exchange.send(parseCommand(Uint8Array.from(Buffer.from(command, 'hex'))));
    }
    expect(entries.map(({ name, command, responseBytes, sw }) => [name, command, responseBytes, sw])).toEqual(
      [
        ['SELECT', '00A4040C D392F000260100000001', 0, '9000'],
        ['VERIFY', '00200098 Lc=4', 0, '63C2'],
        ['READ BINARY', '00B08500 Le=256', 7, '9000'],
      ],
    );
    expect(JSON.stringify(entries)).not.toMatch(/31323334|70617469/);
  });

  it('calls garbage by its name, for a card and for a SAM', async () => {
    for (const garbage of ['', '90', '1234', '6000', '0090']) {
      const line: ScriptLine = ['00B0000000', garbage];
      const card = openExchange(new ScriptedChannel([line]));
      expect(isSekishoError(await rejection(card.send(read)), 'card.protocol')).toBe(true);
      const sam = openExchange(new ScriptedChannel([line]), { peer: 'sam' });
      expect(isSekishoError(await rejection(sam.send(read)), 'sam.failed')).toBe(true);
    }
  });

  it('survives random answers', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 12 }), { maxLength: 6 }), async (answers) => {
        const queue = [...answers];
        const channel = channelOf(async () => queue.shift() ?? Uint8Array.of(0x90, 0x00));
        try {
          await openExchange(channel).send(read);
        } catch (thrown) {
          if (!isSekishoError(thrown, 'card.protocol')) throw thrown;
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('the scripted channel', () => {
  it('shows where a conversation differs, and remembers it', async () => {
    const channel = new ScriptedChannel([['00B0850000', '9000']]);
    const thrown = await rejection(openExchange(channel).send(read));
    expect(String(thrown)).toContain('actual   00 B0 00 00 00  (READ BINARY)');
    expect(String(thrown)).toContain('byte 2');
    expect(() => channel.assertFinished()).toThrow('command 1 of 1');
  });

  it('fails when a command was never sent or one too many was', async () => {
    const channel = new ScriptedChannel([['00840000 10', '9000']]);
    expect(() => channel.assertFinished()).toThrow('never sent: GET CHALLENGE');
    const empty = openExchange(new ScriptedChannel([]));
    expect(String(await rejection(empty.send(read)))).toContain('no more commands');
  });
});
