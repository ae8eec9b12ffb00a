import { afterAll, beforeAll } from 'vitest';
import { describeCardReader, type ReaderUnderTest } from '#drivers/reader-contract.ts';
import { mute, openPty, type PtyLine } from '#drivers/simulated/index.ts';
import { makeTestCard, openEmulatedReader } from './testing/emulated-reader.ts';

let pty: PtyLine;
beforeAll(async () => {
  pty = await openPty();
});
afterAll(() => pty.close());

function makePn532(baudRate: number, variant: 'vendor-1' | 'android'): () => Promise<ReaderUnderTest> {
  return async () => {
    const { emulator, reader, dispose } = await openEmulatedReader({ baudRate }, pty);
    return {
      reader,
      insertCard: async () => {
        emulator.faults.length = 0;
        emulator.insert(makeTestCard(variant));
      },
      removeCard: async () => emulator.remove(),
      silenceCard: () => emulator.faults.push(mute()),
      dispose,
    };
  };
}

const CODES = {
  removed: 'card.removed',
  unanswered: 'card.mute',
  commandTooLong: 'reader.command-too-long',
  busy: 'reader.busy',
} as const;

for (const baudRate of [115_200, 460_800, 1_288_000]) {
  describeCardReader(`PN532 at ${baudRate} baud, card of type B`, makePn532(baudRate, 'vendor-1'), CODES);
}
describeCardReader('PN532 at 115200 baud, phone of type A', makePn532(115_200, 'android'), CODES);
