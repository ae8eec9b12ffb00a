/** What a pty and the kernel's rates add: the same driver and chip as in `reader-faults.test.ts`, on the real clock. */
import { afterEach, beforeEach, expect, it, test } from 'vitest';
import type { CardChannel } from '#card/channel.ts';
import { type ChipFault, slow } from '#drivers/simulated/index.ts';
import { Pn532Reader, serialPortLine } from './index.ts';
import {
  type EmulatedReader,
  makeTestCard,
  openEmulatedReader,
  type TestCard,
} from './testing/emulated-reader.ts';

const COMMAND = Uint8Array.from({ length: 400 }, (_, index) => (index * 7) & 0xff);
const ANSWER = Uint8Array.of(...COMMAND, 0x90, 0x00);
const patience = (): AbortSignal => new AbortController().signal;

let fixture: EmulatedReader;
let card: TestCard;
beforeEach(async () => {
  fixture = await openEmulatedReader({ baudRate: 460_800 });
  card = makeTestCard();
});
afterEach(() => fixture.dispose());

async function openChannel(): Promise<CardChannel> {
  fixture.emulator.insert(card);
  return fixture.reader.waitForCard(patience());
}

test.each<ChipFault>([
  { kind: 'ack-lost', at: 2 },
  { kind: 'response-lost', at: 2 },
  { kind: 'response-corrupt', at: 2 },
  { kind: 'split' },
  { kind: 'merge' },
  { kind: 'noise', at: 3, value: 600 },
])('$kind passes unnoticed', async (fault) => {
  const channel = await openChannel();
  fixture.emulator.chipFaults.add(fault);
  expect(await channel.transmit(COMMAND)).toEqual(ANSWER);
  expect(card.executed).toEqual([COMMAND]);
  expect(await channel.transmit(COMMAND)).toEqual(ANSWER);
});

it('waits three seconds for a card that thinks, with the field on', async () => {
  const channel = await openChannel();
  fixture.emulator.faults.push(slow(3_000));
  expect(await channel.transmit(COMMAND)).toEqual(ANSWER);
});

it('carries 10,000 bytes each way', async () => {
  const channel = await openChannel();
  const command = Uint8Array.from({ length: 10_000 }, (_, index) => (index * 13) & 0xff);
  expect(await channel.transmit(command)).toEqual(Uint8Array.of(...command, 0x90, 0x00));
});

test.each([9_600, 115_200, 1_288_000])(
  'a chip left at %d by a crash is found, and left at 115200',
  async (baudRate) => {
    const { emulator, pty } = fixture;
    const crashed = new Pn532Reader({ openLine: leaveOpen(pty.path), baudRate });
    emulator.insert(card);
    await (await crashed.waitForCard(patience())).close();
    expect(emulator.baud).toBe(baudRate);
    await giveUpLine();
    const channel = await fixture.reader.waitForCard(patience());
    expect(await channel.transmit(COMMAND)).toEqual(ANSWER);
    expect(emulator.baud).toBe(460_800);
    await fixture.reader.close();
    await expect.poll(() => emulator.baud).toBe(115_200);
  },
);

/** The lines of readers that were never closed, as a crash leaves them to the kernel. */
const leftOpen: { close(): Promise<void> }[] = [];

function leaveOpen(path: string): ReturnType<typeof serialPortLine> {
  const open = serialPortLine(path);
  return async (baudRate, ears) => {
    const line = await open(baudRate, ears);
    leftOpen.push(line);
    return line;
  };
}

async function giveUpLine(): Promise<void> {
  for (const line of leftOpen.splice(0)) await line.close();
}
