import { describe, expect, it, vi } from 'vitest';
import { SekishoError } from '#contract/errors.ts';
import { fromHex, toHex } from './bytes.ts';
import { SimulatedReader } from './channel.ts';
import { CardControl } from './control.ts';
import {
  answerOnce,
  type Behaviour,
  garbleAnswer,
  mute,
  oversizeAnswer,
  removeAfterApdus,
  removeMidApdu,
  slow,
  truncateAnswer,
  twoCards,
} from './faults.ts';
import { EmulatedPn532 } from './pn532/emulator.ts';
import { SimulatedSam } from './sam/simulated-sam.ts';
import { SELECT_SAM } from './testing/sam-personaliser.ts';
import type { VirtualCard } from './virtual-card.ts';
import { encodeVpcdMessage, VpcdMessages } from './vpcd-bridge.ts';

const signal = new AbortController().signal;
const SELECT = fromHex(SELECT_SAM);
const GOOD = toHex(selectedAlone());

function selectedAlone(): Uint8Array {
  const sam = new SimulatedSam();
  sam.powerOn();
  return sam.process(SELECT);
}

/** Sends the SELECT so often; what came back, or the error's code. */
async function outcomes(
  faults: Behaviour[],
  times: number,
  card: VirtualCard = new SimulatedSam(),
): Promise<string[]> {
  const reader = new SimulatedReader({ faults, exchangeTimeoutMs: 20 });
  reader.insert(card);
  const channel = await reader.waitForCard(signal);
  const results: string[] = [];
  for (let time = 0; time < times; time += 1) {
    results.push(
      await channel
        .transmit(SELECT)
        .then(toHex, (thrown: unknown) => (thrown instanceof SekishoError ? thrown.code : 'not ours')),
    );
  }
  return results;
}

describe('faults', () => {
  it('removes the card between and during commands', async () => {
    expect(await outcomes([removeAfterApdus(1)], 3)).toEqual([GOOD, 'card.removed', 'card.removed']);
    const sam = new SimulatedSam();
    const process = vi.spyOn(sam, 'process');
    expect(await outcomes([removeMidApdu(2)], 2, sam)).toEqual([GOOD, 'card.removed']);
    expect(process).toHaveBeenCalledTimes(2);
  });

  it('damages one answer and leaves the others', async () => {
    expect(await outcomes([truncateAnswer(2)], 2)).toEqual([GOOD, 'card.protocol']);
    expect(await outcomes([truncateAnswer(1, 4)], 2)).toEqual([GOOD.slice(0, 8), GOOD]);
    const [long, garbled, normal] = await outcomes([oversizeAnswer(1), garbleAnswer(2)], 3);
    expect(long).toHaveLength(GOOD.length + 600);
    expect(garbled).not.toBe(GOOD);
    expect(garbled?.slice(-4)).toBe('9000');
    expect(normal).toBe(GOOD);
  });

  it('answers in place of the card, and lets the first behaviour win', async () => {
    expect(await outcomes([answerOnce(0x6f00, 1), answerOnce(0x6a82, 1), answerOnce(0x6a82, 2)], 3)).toEqual([
      '6F00',
      '6A82',
      GOOD,
    ]);
  });

  it('gives up on a mute card, for good', async () => {
    expect(await outcomes([mute(2)], 3)).toEqual([GOOD, 'card.mute', 'card.mute']);
  });

  it('delays answers by the injected clock', async () => {
    const slept: number[] = [];
    const clock = {
      nowMs: () => 0,
      monotonicMs: () => 0,
      sleep: (ms: number, end?: AbortSignal) => {
        slept.push(ms);
        return end === undefined ? Promise.resolve() : new Promise<void>(() => {});
      },
    };
    const reader = new SimulatedReader({ faults: [slow(3000)], clock });
    reader.insert(new SimulatedSam());
    const channel = await reader.waitForCard(signal);
    expect(toHex(await channel.transmit(SELECT))).toBe(GOOD);
    expect(slept).toContain(3000);
  });

  it('sees two cards, real or pretended', async () => {
    const pretended = new SimulatedReader({ faults: [twoCards()] });
    pretended.insert(new SimulatedSam());
    await expect(pretended.waitForCard(signal)).rejects.toMatchObject({ code: 'card.collision' });
    const real = new SimulatedReader();
    real.insert(new SimulatedSam());
    real.insert(new SimulatedSam());
    await expect(real.waitForCard(signal)).rejects.toMatchObject({ code: 'card.collision' });
  });
});

describe('reader in process', () => {
  it('takes the power off with the channel, and with the card', async () => {
    const sam = new SimulatedSam();
    const powerOff = vi.spyOn(sam, 'powerOff');
    const reader = new SimulatedReader();
    reader.insert(sam);
    const first = await reader.waitForCard(signal);
    await first.close();
    expect(powerOff).toHaveBeenCalledTimes(1);
    await reader.waitForCard(signal);
    reader.remove();
    expect(powerOff).toHaveBeenCalledTimes(2);
  });

  it('is unreachable once it is closed', async () => {
    const reader = new SimulatedReader();
    const waiting = reader.waitForCard(signal);
    const outcome = expect(waiting).rejects.toMatchObject({ code: 'reader.unreachable' });
    await reader.close();
    await outcome;
    await expect(reader.waitForCard(signal)).rejects.toMatchObject({ code: 'reader.unreachable' });
  });

  it('does not let an old channel take the power from the next card', async () => {
    const reader = new SimulatedReader();
    reader.insert(new SimulatedSam());
    const old = await reader.waitForCard(signal);
    reader.remove();
    reader.insert(new SimulatedSam());
    const next = await reader.waitForCard(signal);
    await old.close();
    expect(toHex(await next.transmit(SELECT))).toBe(GOOD);
  });
});

describe('control', () => {
  function open() {
    const reader = new SimulatedReader();
    const control = new CardControl(reader, new Map([['hanako', new SimulatedSam()]]));
    return { reader, control };
  }

  it('moves cards', async () => {
    const { reader, control } = open();
    expect(await control.run('cards')).toBe('hanako');
    expect(await control.run('insert hanako')).toBe('inserted hanako');
    expect([reader.isOccupied, control.inserted]).toEqual([true, 'hanako']);
    expect(await control.run('insert nobody')).toBe('no such card: nobody');
    expect(await control.run('insert hanako')).toBe('inserted hanako');
    expect(await control.run('remove')).toBe('removed');
    expect([reader.isOccupied, control.inserted]).toEqual([false, undefined]);
  });

  it('breaks and repairs', async () => {
    const { reader, control } = open();
    expect(await control.run('fault remove-after 3')).toBe('fault remove-after 3');
    expect(await control.run('fault answer 0x6982 2')).toBe('fault answer 6982 2');
    expect(await control.run('faults')).toBe('remove-after 3\nanswer 6982 2');
    expect(await control.run('fault toString')).toContain('insert CARD');
    expect(await control.run('fault slow soon')).toContain('insert CARD');
    expect(await control.run('clear')).toBe('no faults');
    expect(reader.faults).toEqual([]);
    expect(await control.run('')).toContain('fault NAME');
    expect(await control.run('fault ack-lost')).not.toContain('ack-lost');
    expect(await control.run('reset')).toContain('insert CARD');
  });

  it('breaks the chip too, where there is one', async () => {
    const chip = new EmulatedPn532();
    const control = new CardControl(chip, new Map());
    expect(await control.run('fault ack-lost 3 2')).toBe('fault ack-lost 3 2');
    expect(await control.run('fault mute')).toBe('fault mute 1');
    expect(await control.run('faults')).toBe('mute 1\nack-lost 3 2');
    expect(await control.run('clear')).toBe('no faults');
    expect(await control.run('faults')).toBe('none');
    expect(await control.run('reset')).toBe('reset');
    expect(await control.run('help')).toMatch(/brown-out +the supply breaks down/);
  });
});

describe('vpcd messages', () => {
  it('come out as they went in, however they are cut', () => {
    const messages = ['', '04', '00A4040C', 'AB'.repeat(700)].map(fromHex);
    const stream = Buffer.concat(messages.map(encodeVpcdMessage));
    for (const step of [1, 2, 3, 7, stream.length]) {
      const parser = new VpcdMessages();
      const found: string[] = [];
      for (let at = 0; at < stream.length; at += step) {
        found.push(...parser.push(stream.subarray(at, at + step)).map(toHex));
      }
      expect(found).toEqual(messages.map(toHex));
    }
  });
});
