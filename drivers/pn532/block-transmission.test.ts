import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BlockTransmission, type Radio, type RadioOutcome } from './block-transmission.ts';
import { Pn532Failure } from './failure.ts';
import { fromHex } from './testing/scripted-line.ts';
import { type PiccOptions, ScriptedPicc } from './testing/scripted-picc.ts';

const DEADLINE_MS = 5_000;
const SILENCE_MS = { answer: 3_277, 'sign-of-life': 205 } as const;

/** What happens to one frame and its answer. */
type Fate = 'well' | 'not-heard' | 'answer-lost' | 'answer-garbled' | 'lost-before' | 'lost-after';

const bytes = (length: number, seed = 1): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (index * 31 + seed * 7 + (index >> 8)) & 0xff);

interface Session {
  readonly picc: ScriptedPicc;
  readonly transmission: BlockTransmission;
  readonly sent: Uint8Array[];
  nowMs(): number;
}

/** A card activated with CID 1 and frames of 256 both ways, on a radio that meets `fates` in turn. */
function begin(
  options: PiccOptions,
  fates: readonly Fate[] = [],
  { radio, cardFrameBytes = 256 }: { radio?: Radio; cardFrameBytes?: number } = {},
): Session {
  const picc = new ScriptedPicc({ ...options, mostFrameBytes: cardFrameBytes });
  picc.receive(Uint8Array.of(0x05, 0x00, 0x08));
  picc.receive(fromHex('1DDEADBEEF00080101'));
  const sent: Uint8Array[] = [];
  const ahead = [...fates];
  let elapsedMs = 0;
  const pass = (ms: number, deadlineMs: number): void => {
    elapsedMs = Math.min(elapsedMs + ms, deadlineMs);
    if (elapsedMs >= deadlineMs) throw new Pn532Failure('deadline');
  };
  const air: Radio = async (block, { patience, deadlineMs }): Promise<RadioOutcome> => {
    sent.push(block);
    pass(5, deadlineMs);
    const fate = ahead.shift() ?? 'well';
    const isHeard = fate !== 'not-heard' && fate !== 'lost-before';
    const answer = isHeard ? picc.receive(block) : undefined;
    if (fate === 'lost-before' || fate === 'lost-after') {
      pass(150, deadlineMs);
      return { kind: 'lost' };
    }
    if (fate === 'answer-garbled' && answer) return { kind: 'garbled' };
    if (!answer || fate === 'answer-lost') {
      pass(SILENCE_MS[patience], deadlineMs);
      return { kind: 'silent' };
    }
    return { kind: 'answer', bytes: answer };
  };
  const transmission = new BlockTransmission({
    radio: radio ?? air,
    clock: { nowMs: () => 0, monotonicMs: () => elapsedMs, sleep: async () => {} },
    cid: 1,
    cardFrameBytes,
    readerFrameBytes: 256,
    frameWaitMs: 309,
  });
  return { picc, transmission, sent, nowMs: () => elapsedMs };
}

const same = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0;

interface Story {
  readonly fates: readonly Fate[];
  readonly commandBytes: number;
  readonly answerBytes: number;
  readonly waits: number;
}

const pcbs = (sent: readonly Uint8Array[]): string[] => sent.map(([pcb = 0]) => pcb.toString(16));

describe('BlockTransmission', () => {
  it('chains 400 bytes out and 400 bytes back', async () => {
    const { transmission, picc, sent } = begin({ answer: () => ({ bytes: bytes(400, 2) }) });
    expect(await transmission.transmit(bytes(400), DEADLINE_MS)).toEqual(bytes(400, 2));
    expect(picc.executed).toEqual([bytes(400)]);
    expect(pcbs(sent)).toEqual(['1a', 'b', 'aa']);
    // With TFI and command code each block fits a normal frame.
    for (const block of sent) expect(block.length).toBeLessThanOrEqual(253);
  });

  it('carries every length up to the longest extended APDU', async () => {
    const { transmission, picc } = begin({ answer: (command) => ({ bytes: command.slice(0, 65_538) }) });
    for (const length of [1, 5, 251, 252, 253, 502, 503, 1_000, 65_544]) {
      const command = bytes(length, length);
      expect(await transmission.transmit(command, DEADLINE_MS)).toEqual(command.slice(0, 65_538));
    }
    expect(picc.executed.length).toBe(9);
  });

  it('keeps to a small card', async () => {
    const picc = new ScriptedPicc({ answer: (command) => ({ bytes: command }), mostFrameBytes: 24 });
    picc.receive(Uint8Array.of(0x05, 0x00, 0x08));
    picc.receive(fromHex('1DDEADBEEF00080100'));
    const lengths: number[] = [];
    const transmission = new BlockTransmission({
      radio: async (block) => {
        lengths.push(block.length);
        return { kind: 'answer', bytes: picc.receive(block) ?? new Uint8Array(0) };
      },
      clock: { nowMs: () => 0, monotonicMs: () => 0, sleep: async () => {} },
      cid: undefined,
      cardFrameBytes: 24,
      readerFrameBytes: 256,
      frameWaitMs: 5,
    });
    expect(await transmission.transmit(bytes(100), DEADLINE_MS)).toEqual(bytes(100));
    expect(Math.max(...lengths)).toBe(22);
  });

  it('grants time as often as a slow card asks, and ends a card that only asks', async () => {
    const slow = begin({ answer: () => ({ bytes: bytes(2), waits: 10 }) });
    expect(await slow.transmission.transmit(bytes(5), DEADLINE_MS)).toEqual(bytes(2));
    expect(pcbs(slow.sent)).toEqual(['a', ...Array.from({ length: 10 }, () => 'fa')]);
    const storm = begin({ answer: () => ({ bytes: bytes(2), waits: Infinity }) });
    await expect(storm.transmission.transmit(bytes(5), 1e9)).rejects.toMatchObject({ kind: 'broken-rules' });
    expect(storm.sent.length).toBe(257);
    const patient = begin({ answer: () => ({ bytes: bytes(2), waits: Infinity }) });
    await expect(patient.transmission.transmit(bytes(5), 700)).rejects.toMatchObject({ kind: 'deadline' });
  });

  it('tells presence without touching what the session has reached', async () => {
    const { transmission, picc } = begin({ answer: (command) => ({ bytes: command }) });
    for (let round = 0; round < 5; round++) {
      expect(await transmission.isPresent(DEADLINE_MS)).toBe(true);
      expect(await transmission.transmit(bytes(300, round), DEADLINE_MS)).toEqual(bytes(300, round));
    }
    expect(picc.executed.length).toBe(5);
    picc.isMute = true;
    expect(await transmission.isPresent(DEADLINE_MS)).toBe(false);
  });

  it('says nothing about presence when the chip does not answer', async () => {
    const { transmission } = begin({ answer: () => ({ bytes: bytes(2) }) }, [
      'lost-before',
      'lost-before',
      'lost-before',
    ]);
    await expect(transmission.isPresent(DEADLINE_MS)).rejects.toMatchObject({ kind: 'no-response' });
  });

  it('lets the card go', async () => {
    const { transmission } = begin({ answer: () => ({ bytes: bytes(2) }) });
    expect(await transmission.deselect(DEADLINE_MS)).toBe(true);
    expect(await transmission.isPresent(DEADLINE_MS)).toBe(false);
  });

  it.each<[string, Uint8Array[]]>([
    ['a block longer than announced', [Uint8Array.of(0x0a, 0x01, ...bytes(253))]],
    [
      'an answer without end',
      Array.from({ length: 600 }, (_, at) => Uint8Array.of(0x1a | (at & 1), 1, ...bytes(200))),
    ],
    ['pieces with nothing in them', [fromHex('1A01'), fromHex('1B01')]],
    ['nonsense', [fromHex('FFFF'), fromHex('00'), fromHex(''), fromHex('1234'), fromHex('C2')]],
    ['another number every time', Array.from({ length: 9 }, () => fromHex('0B019000'))],
  ])('refuses %s', async (_name, answers) => {
    const ahead = [...answers];
    const radio: Radio = async () => ({ kind: 'answer', bytes: ahead.shift() ?? new Uint8Array(0) });
    const { transmission } = begin({ answer: () => ({ bytes: bytes(2) }) }, [], { radio });
    await expect(transmission.transmit(bytes(5), DEADLINE_MS)).rejects.toMatchObject({
      kind: 'broken-rules',
    });
  });

  it('ends when the card is taken away at any block', async () => {
    const blocks = 3 + 1 + 2;
    for (let at = 0; at < blocks; at++) {
      const fates: Fate[] = [
        ...Array.from({ length: at }, (): Fate => 'well'),
        ...Array.from({ length: 9 }, (): Fate => 'not-heard'),
      ];
      const { transmission, nowMs } = begin({ answer: () => ({ bytes: bytes(600), waits: 1 }) }, fates);
      await expect(transmission.transmit(bytes(600), DEADLINE_MS)).rejects.toMatchObject({ kind: 'silent' });
      expect(nowMs()).toBeLessThan(DEADLINE_MS);
    }
  });

  it('executes every command once or fails in time, whatever is lost or damaged', async () => {
    const fate = fc.oneof(
      { weight: 6, arbitrary: fc.constant<Fate>('well') },
      { weight: 1, arbitrary: fc.constantFrom<Fate>('not-heard', 'answer-lost') },
      { weight: 3, arbitrary: fc.constantFrom<Fate>('answer-garbled', 'lost-before', 'lost-after') },
    );
    const story = fc.record({
      fates: fc.array(fate, { maxLength: 14 }),
      commandBytes: fc.integer({ min: 1, max: 60 }),
      answerBytes: fc.integer({ min: 2, max: 60 }),
      waits: fc.integer({ min: 0, max: 2 }),
    });
    const outcomes = { success: 0, failure: 0 };
    const play = async ({ fates, commandBytes, answerBytes, waits }: Story): Promise<boolean> => {
      let runs = 0;
      const answer = (command: Uint8Array) => ({ bytes: bytes(answerBytes, command.length + ++runs), waits });
      const { transmission, picc, nowMs } = begin({ answer }, fates, { cardFrameBytes: 24 });
      try {
        for (const run of [1, 2]) {
          const answered = await transmission.transmit(bytes(commandBytes, run), nowMs() + DEADLINE_MS);
          if (!same(answered, bytes(answerBytes, commandBytes + run))) return false;
        }
        outcomes.success++;
      } catch (thrown) {
        if (!(thrown instanceof Pn532Failure)) throw thrown;
        outcomes.failure++;
      }
      // Once each, whole and in order, as far as it came; and in time.
      const isOrderly = picc.executed.every((command, at) => same(command, bytes(commandBytes, at + 1)));
      return isOrderly && picc.executed.length <= 2 && nowMs() <= 2 * DEADLINE_MS;
    };
    await fc.assert(fc.asyncProperty(story, play), { numRuns: 80_000 });
    expect(outcomes.success).toBeGreaterThan(10_000);
    expect(outcomes.failure).toBeGreaterThan(1_000);
  }, 180_000);
});
