/** The driver on an emulated chip that misbehaves. Every fault ends in the right answer or in a typed error. */
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import type { CardChannel } from '#card/channel.ts';
import { type ChipFault, slow } from '#drivers/simulated/index.ts';
import { BAUD_RATES, Pn532Reader, serialPortLine } from './index.ts';
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

describe('one fault in an exchange of 400 bytes each way', () => {
  const passing: readonly ChipFault[] = [
    ...(['ack-lost', 'ack-corrupt', 'ack-twice', 'response-lost', 'response-corrupt'] as const).flatMap(
      (kind) => [1, 2, 3, 4].map((at) => ({ kind, at })),
    ),
    { kind: 'split' },
    { kind: 'merge' },
    { kind: 'noise' },
    { kind: 'noise', at: 3, value: 600 },
    ...(['rf-timeout', 'frame-error'] as const).flatMap((kind) => [1, 2, 3].map((at) => ({ kind, at }))),
    { kind: 'oversize-block', at: 2 },
    { kind: 'wtx-storm', value: 100 },
  ];
  test.each(passing)('$kind at $at passes unnoticed', async (fault) => {
    const channel = await openChannel();
    fixture.emulator.chipFaults.add(fault);
    expect(await channel.transmit(COMMAND)).toEqual(ANSWER);
    expect(card.executed).toEqual([COMMAND]);
    expect(await channel.transmit(COMMAND)).toEqual(ANSWER);
  });

  const ending: readonly (readonly [ChipFault, string])[] = [
    [{ kind: 'wtx-storm', value: 300 }, 'card.protocol'],
    [{ kind: 'oversize-block', at: 2, value: 5 }, 'card.protocol'],
    [{ kind: 'oversize-block', at: 2, times: 9 }, 'card.protocol'],
    ...[1, 2, 3].map((at) => [{ kind: 'block-removal' as const, at }, 'card.removed'] as const),
    ...[1, 2, 3].map((at) => [{ kind: 'brown-out' as const, at }, '(card|reader)\\..*'] as const),
    [{ kind: 'baud-lost', at: 2 }, 'reader\\..*'],
    [{ kind: 'hung', at: 2 }, 'reader\\..*'],
  ];
  test.each(ending)('%j ends with %s, and the next tap works', async (fault, code) => {
    const channel = await openChannel();
    fixture.emulator.chipFaults.add(fault);
    const outcome = await channel.transmit(COMMAND).catch((thrown: unknown) => thrown);
    expect(outcome).toMatchObject({ code: expect.stringMatching(new RegExp(`^${code}$`)) });
    expect(card.executed.length).toBeLessThanOrEqual(1);
    await channel.close();
    fixture.emulator.chipFaults.clear();
    if (fault.kind === 'hung') fixture.emulator.reset();
    fixture.emulator.remove();
    const next = await openChannel();
    expect(await next.transmit(COMMAND)).toEqual(ANSWER);
  });

  it('frees a chip that is stuck', async () => {
    const channel = await openChannel();
    fixture.emulator.chipFaults.add({ kind: 'stuck', at: 2 });
    expect(await channel.transmit(COMMAND)).toEqual(ANSWER);
  });
});

describe('patience and length', () => {
  it('waits three seconds for a card that thinks, with the field on', async () => {
    const channel = await openChannel();
    fixture.emulator.faults.push(slow(3_000));
    expect(await channel.transmit(COMMAND)).toEqual(ANSWER);
  });

  test.each([1, 255, 256, 261, 1_000, 10_000])('carries %d bytes each way', async (length) => {
    const channel = await openChannel();
    const command = Uint8Array.from({ length }, (_, index) => (index * 13) & 0xff);
    expect(await channel.transmit(command)).toEqual(Uint8Array.of(...command, 0x90, 0x00));
  });
});

describe('rates', () => {
  test.each(BAUD_RATES)('a chip left at %d by a crash is found, and left at 115200', async (baudRate) => {
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
  });
});

describe('the field', () => {
  it('is off before a card is waited for, after every channel and after the end', async () => {
    const { emulator, reader } = fixture;
    await reader.probe(patience());
    expect(emulator.isFieldOn).toBe(false);
    const channel = await openChannel();
    expect(emulator.isFieldOn).toBe(true);
    await channel.close();
    expect(emulator.isFieldOn).toBe(false);
  });

  test.each([
    ['of one type', 'vendor-1', 'hpki'],
    ['of both types', 'vendor-1', 'android'],
  ] as const)('with two cards %s is a collision', async (_name, one, other) => {
    fixture.emulator.insert(makeTestCard(one));
    fixture.emulator.insert(makeTestCard(other));
    await expect(fixture.reader.waitForCard(patience())).rejects.toMatchObject({ code: 'card.collision' });
    fixture.emulator.remove();
    const channel = await openChannel();
    expect(await channel.transmit(COMMAND)).toEqual(ANSWER);
  });

  it('notices within a second that the card of an open, idle channel has gone', async () => {
    const channel = await openChannel();
    const removal = fixture.reader.waitForRemoval(channel, patience());
    expect(await channel.transmit(COMMAND)).toEqual(ANSWER);
    fixture.emulator.remove();
    await removal;
    await expect(channel.transmit(COMMAND)).rejects.toMatchObject({ code: 'card.removed' });
  });
});

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
