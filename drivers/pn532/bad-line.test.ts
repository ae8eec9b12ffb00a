import fc from 'fast-check';
import { expect, it } from 'vitest';
import { VirtualClock } from '#ports/testing/virtual-clock.ts';
import { BlockTransmission } from './block-transmission.ts';
import { Chip } from './chip.ts';
import { Pn532Failure } from './failure.ts';
import { FrontEnd } from './front-end.ts';
import { type Mishap, ScriptedChip } from './testing/scripted-chip.ts';
import { fromHex } from './testing/scripted-line.ts';
import { ScriptedPicc } from './testing/scripted-picc.ts';

/** Virtual time; the real one of 20,000 stories is 10 s on two idle cores. */
const TIME_LIMIT_MS = 180_000;
const DEADLINE_MS = 5_000;
/** Settling and repeating end a little after the deadline. */
const GRACE_MS = 100;

const pattern = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (index * 31 + seed * 7 + 0x11) & 0xff);
const same = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0;

const byte = fc.record({ at: fc.nat(60), by: fc.integer({ min: 1, max: 255 }) });
const mishap: fc.Arbitrary<Mishap> = fc.oneof(
  { weight: 12, arbitrary: fc.constant<Mishap>({ kind: 'none' }) },
  { weight: 3, arbitrary: fc.constantFrom<Mishap>({ kind: 'lost' }, { kind: 'twice' }, { kind: 'split' }) },
  { weight: 2, arbitrary: byte.map((where): Mishap => ({ kind: 'byte-lost', ...where })) },
  { weight: 2, arbitrary: byte.map((where): Mishap => ({ kind: 'byte-changed', ...where })) },
  {
    weight: 1,
    arbitrary: fc
      .uint8Array({ minLength: 1, maxLength: 12 })
      .map((bytes): Mishap => ({ kind: 'noise', bytes })),
  },
);

interface Story {
  readonly mishaps: readonly Mishap[];
  readonly commandBytes: number;
  readonly answerBytes: number;
  readonly waits: number;
}

const story: fc.Arbitrary<Story> = fc.record({
  mishaps: fc.array(mishap, { maxLength: 24 }),
  commandBytes: fc.integer({ min: 1, max: 90 }),
  answerBytes: fc.integer({ min: 2, max: 90 }),
  waits: fc.integer({ min: 0, max: 1 }),
});

async function begin(picc: ScriptedPicc, time: VirtualClock, mishaps: readonly Mishap[]) {
  picc.receive(Uint8Array.of(0x05, 0x00, 0x08));
  picc.receive(fromHex('1DDEADBEEF00080101'));
  const line = new ScriptedChip(time, picc, mishaps);
  const chip = await Chip.open(line.open, { baudRate: 1_288_000, clock: time });
  const frontEnd = new FrontEnd(chip, time);
  return new BlockTransmission({
    radio: (block, wait) => frontEnd.exchange(block, wait),
    clock: time,
    cid: 1,
    cardFrameBytes: 48,
    readerFrameBytes: 256,
    frameWaitMs: 309,
  });
}

it(
  'brings every APDU through once or fails in time, whatever a bad cable does to any message',
  async () => {
    const outcomes = { success: 0, failure: 0 };
    const play = async ({ mishaps, commandBytes, answerBytes, waits }: Story): Promise<boolean> => {
      const time = new VirtualClock();
      let runs = 0;
      const picc = new ScriptedPicc({
        mostFrameBytes: 48,
        answer: (command) => ({ bytes: pattern(answerBytes, command.length + ++runs), waits }),
      });
      const transmission = await begin(picc, time, mishaps);
      try {
        for (const run of [1, 2]) {
          const deadlineMs = time.monotonicMs() + DEADLINE_MS;
          const answered = await time.run(transmission.transmit(pattern(commandBytes, run), deadlineMs));
          if (!same(answered, pattern(answerBytes, commandBytes + run))) return false;
        }
        outcomes.success++;
      } catch (thrown) {
        if (!(thrown instanceof Pn532Failure)) throw thrown;
        outcomes.failure++;
      }
      const isOrderly = picc.executed.every((command, at) => same(command, pattern(commandBytes, at + 1)));
      return isOrderly && picc.executed.length <= 2 && time.monotonicMs() <= 2 * (DEADLINE_MS + GRACE_MS);
    };
    await fc.assert(fc.asyncProperty(story, play), { numRuns: 20_000 });
    expect(outcomes.success).toBeGreaterThan(5_000);
    expect(outcomes.failure).toBeGreaterThan(20);
  },
  TIME_LIMIT_MS,
);
