/** The driver on an emulated chip that misbehaves, in virtual time. Every fault ends in the right answer or in a typed error. */
import { beforeEach, describe, expect, it, test } from 'vitest';
import type { CardChannel } from '#card/channel.ts';
import { type ChipFault, slow } from '#drivers/simulated/index.ts';
import { BAUD_RATES } from './index.ts';
import { makeTestCard, type TestCard } from './testing/emulated-reader.ts';
import { openVirtualReader, type VirtualReader } from './testing/virtual-reader.ts';

const COMMAND = Uint8Array.from({ length: 400 }, (_, index) => (index * 7) & 0xff);
const ANSWER = Uint8Array.of(...COMMAND, 0x90, 0x00);
const patience = (): AbortSignal => new AbortController().signal;

let fixture: VirtualReader;
let card: TestCard;
beforeEach(() => {
  fixture = openVirtualReader({ baudRate: 460_800 });
  card = makeTestCard();
});

const inTime = <T>(work: Promise<T>): Promise<T> => fixture.time.run(work);

async function openChannel(): Promise<CardChannel> {
  fixture.emulator.insert(card);
  return inTime(fixture.reader.waitForCard(patience()));
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
    expect(await inTime(channel.transmit(COMMAND))).toEqual(ANSWER);
    expect(card.executed).toEqual([COMMAND]);
    expect(await inTime(channel.transmit(COMMAND))).toEqual(ANSWER);
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
    const outcome = await inTime(channel.transmit(COMMAND).catch((thrown: unknown) => thrown));
    expect(outcome).toMatchObject({ code: expect.stringMatching(new RegExp(`^${code}$`)) });
    expect(card.executed.length).toBeLessThanOrEqual(1);
    await inTime(channel.close());
    fixture.emulator.chipFaults.clear();
    if (fault.kind === 'hung') fixture.emulator.reset();
    fixture.emulator.remove();
    const next = await openChannel();
    expect(await inTime(next.transmit(COMMAND))).toEqual(ANSWER);
  });

  it('frees a chip that is stuck', async () => {
    const channel = await openChannel();
    fixture.emulator.chipFaults.add({ kind: 'stuck', at: 2 });
    expect(await inTime(channel.transmit(COMMAND))).toEqual(ANSWER);
  });
});

describe('patience and length', () => {
  it('waits three seconds for a card that thinks, with the field on', async () => {
    const channel = await openChannel();
    fixture.emulator.faults.push(slow(3_000));
    const startedMs = fixture.time.monotonicMs();
    expect(await inTime(channel.transmit(COMMAND))).toEqual(ANSWER);
    expect(fixture.time.monotonicMs() - startedMs).toBeGreaterThanOrEqual(3_000);
  });

  test.each([1, 255, 256, 261, 1_000, 10_000])('carries %d bytes each way', async (length) => {
    const channel = await openChannel();
    const command = Uint8Array.from({ length }, (_, index) => (index * 13) & 0xff);
    expect(await inTime(channel.transmit(command))).toEqual(Uint8Array.of(...command, 0x90, 0x00));
  });
});

describe('rates', () => {
  test.each(BAUD_RATES)('a chip left at %d by a crash is found, and left at 115200', async (baudRate) => {
    const { emulator, reader, openAnother } = fixture;
    const crashed = openAnother({ baudRate });
    emulator.insert(card);
    const left = await inTime(crashed.waitForCard(patience()));
    await inTime(left.close());
    expect(emulator.baud).toBe(baudRate);
    const channel = await inTime(reader.waitForCard(patience()));
    expect(await inTime(channel.transmit(COMMAND))).toEqual(ANSWER);
    expect(emulator.baud).toBe(460_800);
    await inTime(reader.close());
    expect(emulator.baud).toBe(115_200);
  });
});

describe('the field', () => {
  it('is off before a card is waited for, after every channel and after the end', async () => {
    const { emulator, reader } = fixture;
    await inTime(reader.probe(patience()));
    expect(emulator.isFieldOn).toBe(false);
    const channel = await openChannel();
    expect(emulator.isFieldOn).toBe(true);
    await inTime(channel.close());
    expect(emulator.isFieldOn).toBe(false);
  });

  test.each([
    ['of one type', 'vendor-1', 'hpki'],
    ['of both types', 'vendor-1', 'android'],
  ] as const)('with two cards %s is a collision', async (_name, one, other) => {
    fixture.emulator.insert(makeTestCard(one));
    fixture.emulator.insert(makeTestCard(other));
    await expect(inTime(fixture.reader.waitForCard(patience()))).rejects.toMatchObject({
      code: 'card.collision',
    });
    fixture.emulator.remove();
    const channel = await openChannel();
    expect(await inTime(channel.transmit(COMMAND))).toEqual(ANSWER);
  });

  it('notices within a second that the card of an open, idle channel has gone', async () => {
    const channel = await openChannel();
    const removal = fixture.reader.waitForRemoval(channel, patience());
    expect(await inTime(channel.transmit(COMMAND))).toEqual(ANSWER);
    fixture.emulator.remove();
    const removedMs = fixture.time.monotonicMs();
    await inTime(removal);
    expect(fixture.time.monotonicMs() - removedMs).toBeLessThan(1_000);
    await expect(inTime(channel.transmit(COMMAND))).rejects.toMatchObject({ code: 'card.removed' });
  });
});
