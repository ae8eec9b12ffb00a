import { describe, expect, it, test } from 'vitest';
import { type ErrorCode, SekishoError } from '#contract/errors.ts';
import { VirtualClock } from '#ports/testing/virtual-clock.ts';
import { BAUD_RATES, Pn532Reader } from './index.ts';
import type { OpenLine } from './serial-line.ts';
import { AnsweringLine, type AnswerOf } from './testing/answering-line.ts';

const FIRMWARE = '32010607';
const never = new AbortController().signal;
const time = (): VirtualClock => new VirtualClock();

/** A chip at `rate` with nobody in its field. */
function chipAt(
  clock: VirtualClock,
  rate: number,
  more: Readonly<Record<string, string>> = {},
): AnsweringLine {
  const answerOf: AnswerOf = (command) => {
    if (line.baudRate !== rate) return undefined;
    if (more[command] !== undefined) return more[command];
    if (command === '02') return FIRMWARE;
    return command.startsWith('4A') ? '00' : '';
  };
  const line: AnsweringLine = new AnsweringLine(clock, answerOf);
  return line;
}

function readerOn(clock: VirtualClock, openLine: OpenLine, baudRate = 115_200): Pn532Reader {
  return new Pn532Reader({ openLine, clock, baudRate, recoveryTimeoutMs: 5_000 });
}

describe('Pn532Reader', () => {
  it('says that the reader does not answer when no rate brings an answer, in bounded time', async () => {
    const clock = time();
    const line = new AnsweringLine(clock, () => undefined);
    const reader = readerOn(clock, line.open);
    await expect(clock.run(reader.waitForCard(never))).rejects.toMatchObject({ code: 'reader.timeout' });
    expect(new Set(line.baudRates)).toEqual(new Set(BAUD_RATES));
    expect(clock.monotonicMs()).toBeLessThan(15_000);
  });

  test.each(BAUD_RATES)('finds a chip that listens at %d', async (rate) => {
    const clock = time();
    const line = chipAt(clock, rate);
    await clock.run(readerOn(clock, line.open, rate).probe(never));
    expect(line.baudRate).toBe(rate);
  });

  it('without any patience of its own, still finds a chip at its next try that has lost its rate', async () => {
    const clock = time();
    let rate = 921_600;
    const line: AnsweringLine = new AnsweringLine(clock, (command) => {
      if (line.baudRate !== rate) return undefined;
      return command === '02' ? FIRMWARE : '';
    });
    const reader = new Pn532Reader({
      openLine: line.open,
      clock,
      baudRate: 921_600,
      recoveryTimeoutMs: 0,
    });
    await clock.run(reader.probe(never));
    rate = 115_200;
    await expect(clock.run(reader.probe(never))).rejects.toMatchObject({ code: 'reader.timeout' });
    await clock.run(reader.probe(never));
  });

  it('stays at a rate that works when the chip does not follow to another', async () => {
    const clock = time();
    const line = chipAt(clock, 115_200);
    const reader = readerOn(clock, line.open, 921_600);
    await clock.run(reader.probe(never));
    expect(line.commands).toContain('1007');
    expect(line.baudRate).toBe(115_200);
  });

  it('refuses what is not a PN532 at once', async () => {
    const clock = time();
    const line = chipAt(clock, 115_200, { '02': '33010607' });
    const failed = clock.run(readerOn(clock, line.open).waitForCard(never));
    await expect(failed).rejects.toMatchObject({ code: 'reader.failed' });
    expect(clock.monotonicMs()).toBeLessThan(1_000);
  });

  test.each<ErrorCode>(['reader.device-forbidden', 'reader.device-busy'])(
    '%s is told at once',
    async (code) => {
      const clock = time();
      const reader = readerOn(clock, async () => {
        throw new SekishoError(code);
      });
      await expect(clock.run(reader.waitForCard(never))).rejects.toMatchObject({ code });
      expect(clock.monotonicMs()).toBe(0);
    },
  );

  it('waits for a device that comes back, and no longer than it was told', async () => {
    const clock = time();
    const line = chipAt(clock, 115_200);
    let isPluggedIn = false;
    const reader = readerOn(clock, async (rate, ears) => {
      if (!isPluggedIn) throw new SekishoError('reader.device-missing');
      return line.open(rate, ears);
    });
    await expect(clock.run(reader.probe(never))).rejects.toMatchObject({ code: 'reader.device-missing' });
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(5_000);
    clock.after(3_000, () => {
      isPluggedIn = true;
    });
    await clock.run(reader.probe(never));
  });

  it('opens the line again when it was pulled out while a card was waited for', async () => {
    const clock = time();
    const line = chipAt(clock, 115_200);
    const stop = new AbortController();
    clock.after(1_000, () => line.unplug());
    clock.after(2_000, () => stop.abort(new Error('enough')));
    await expect(clock.run(readerOn(clock, line.open).waitForCard(stop.signal))).rejects.toThrow('enough');
    expect(line.baudRates).toEqual([115_200, 115_200]);
  });

  it('gives up at once when told, also while it looks for the chip', async () => {
    const clock = time();
    const line = new AnsweringLine(clock, () => undefined);
    const stop = new AbortController();
    clock.after(500, () => stop.abort(new Error('enough')));
    await expect(clock.run(readerOn(clock, line.open).waitForCard(stop.signal))).rejects.toThrow('enough');
    expect(clock.monotonicMs()).toBeLessThan(600);
  });

  it('takes the field away between calls that nobody answered', async () => {
    const clock = time();
    const line = chipAt(clock, 115_200);
    const stop = new AbortController();
    clock.after(1_000, () => stop.abort(new Error('enough')));
    await expect(clock.run(readerOn(clock, line.open).waitForCard(stop.signal))).rejects.toThrow('enough');
    const radio = line.commands.filter((command) => /^(3201|4A)/.test(command));
    expect(radio.slice(0, 9)).toEqual([
      '320100',
      '320101',
      '4A0200',
      '4A020300',
      '320100',
      '320101',
      '4A0200',
      '4A020300',
      '320100',
    ]);
  });

  it('says that a card without ISO 14443-4 cannot be read', async () => {
    const clock = time();
    const card = '010100040804DEADBEEF';
    const line = chipAt(clock, 115_200, { '4A0200': card, '4A0100': card });
    const failed = clock.run(readerOn(clock, line.open).waitForCard(never));
    await expect(failed).rejects.toMatchObject({ code: 'card.protocol' });
  });

  it('says that a card does not answer which only ever answers the call', async () => {
    const clock = time();
    const card = '010100042004DEADBEEF';
    const line = chipAt(clock, 115_200, { '4A0200': card, '4A0100': card, '42E081': '01' });
    const failed = clock.run(readerOn(clock, line.open).waitForCard(never));
    await expect(failed).rejects.toMatchObject({ code: 'card.mute' });
    expect(clock.monotonicMs()).toBeLessThan(5_000);
  });

  it('counts what the chip said beside its frames, and names its device', async () => {
    const clock = time();
    const line = chipAt(clock, 115_200);
    const noisy: OpenLine = async (rate, ears) => {
      ears.onBytes(Uint8Array.of(0x13, 0x37, 0x00));
      return line.open(rate, ears);
    };
    const reader = new Pn532Reader({ device: '/dev/serial0', openLine: noisy, clock });
    await clock.run(reader.probe(never));
    expect(reader.report()).toEqual({ device: '/dev/serial0', chosenBy: 'config', discardedBytes: 2 });
  });
});
