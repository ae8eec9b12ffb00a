import { describe, expect, it, vi } from 'vitest';
import type { Clock } from '#ports/clock.ts';
import { silentLogger } from '#ports/logger.ts';
import { EscapeCommands, POLLING_INTERVALS_MS, SIGNAL } from './escape.ts';
import { PcscFailure } from './failure.ts';
import { FrontEnd, type FrontEndOptions } from './front-end.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex').toUpperCase();
const unhex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));
const unsupported = (): never => {
  // libccid without bit 0x0001 of ifdDriverOptions, and vpcd.
  throw new PcscFailure('Unknown PC/SC error');
};

/** The escape half of an ACR1252U, from the manual's tables. */
function makeAcr1252() {
  const registers = new Map([
    [0x21, 0x7f],
    [0x23, 0x8b],
  ]);
  const asked: string[] = [];
  const answer = (data: Uint8Array): Uint8Array => Uint8Array.of(0xe1, 0, 0, 0, data.length, ...data);
  const send = async (command: Uint8Array): Promise<Uint8Array> => {
    asked.push(hex(command));
    const [, , , ins = 0, length = 0, value] = command;
    if (ins === 0x18) return answer(Buffer.from('ACR1252U_V100.4', 'ascii'));
    if (length === 1 && value !== undefined && registers.has(ins)) registers.set(ins, value);
    return answer(Uint8Array.of(registers.get(ins) ?? value ?? 0));
  };
  return { send, asked, registers };
}

describe('escape commands of an ACR1252U', () => {
  it('are those of the manual', async () => {
    const { send, asked } = makeAcr1252();
    const commands = new EscapeCommands(send);
    await expect(commands.firmware()).resolves.toBe('ACR1252U_V100.4');
    await commands.setLed(0x02);
    await commands.buzz(80);
    expect(asked).toEqual(['E000001800', 'E00000290102', 'E00000280108']);
  });

  it('change only their own bits, and only when they are not so already', async () => {
    const { send, asked, registers } = makeAcr1252();
    const commands = new EscapeCommands(send);
    await expect(commands.setBehaviour(SIGNAL.cardBeep, 0)).resolves.toBe(true);
    expect(registers.get(0x21)).toBe(0x77);
    asked.length = 0;
    await expect(commands.setBehaviour(SIGNAL.cardBeep, 0)).resolves.toBe(true);
    expect(asked).toEqual(['E000002100']);
    for (const [code, intervalMs] of POLLING_INTERVALS_MS.entries()) {
      await commands.setPollingInterval(intervalMs);
      expect(registers.get(0x23)).toBe(0x8b | (code << 4));
    }
  });

  it.each([
    ['unsupported', unsupported],
    ['an answer of another kind', async () => unhex('6300')],
    ['an answer cut short', async () => unhex('E100000005414243')],
    ['nothing', async () => new Uint8Array()],
  ])('are given up without complaint where there are none: %s', async (_, send) => {
    const spy = vi.fn(send);
    const commands = new EscapeCommands(spy);
    await expect(commands.firmware()).resolves.toBeUndefined();
    await expect(commands.setLed(1)).resolves.toBe(false);
    await expect(commands.setPollingInterval(250)).resolves.toBe(false);
    expect(spy).toHaveBeenCalledOnce();
  });

  it('are tried again when the reader was only away', async () => {
    const { send } = makeAcr1252();
    let isAway = true;
    const commands = new EscapeCommands(async (command) => {
      if (isAway) throw new PcscFailure('Reader unavailable');
      return send(command);
    });
    await expect(commands.firmware()).resolves.toBeUndefined();
    isAway = false;
    await expect(commands.firmware()).resolves.toBe('ACR1252U_V100.4');
  });
});

describe('a front end', () => {
  const clock: Clock = { nowMs: () => 0, monotonicMs: () => 0, sleep: async () => {} };
  const make = (options: FrontEndOptions) => {
    const reader = makeAcr1252();
    return { ...reader, frontEnd: new FrontEnd(reader.send, options, clock, silentLogger) };
  };

  it('sets up what was asked for, and nothing else', async () => {
    const { frontEnd, asked, registers } = make({ pollingIntervalMs: 500, cardBeep: false });
    await frontEnd.setUp();
    expect([...registers]).toEqual([
      [0x21, 0x77],
      [0x23, 0x9b],
    ]);
    const untouched = make({ signals: true });
    await untouched.frontEnd.setUp();
    expect(untouched.asked).toEqual(['E000001800']);
    expect(asked).toContain('E0000023019B');
  });

  it('says done with one beep and green, failed with three and red, and goes dark', async () => {
    const { frontEnd, asked } = make({});
    await frontEnd.signal('done');
    expect(asked.splice(0)).toEqual(['E00000290102', 'E00000280108', 'E00000290100']);
    await frontEnd.signal('failed');
    expect(asked.filter((command) => command === 'E00000280108')).toHaveLength(3);
    expect(asked[0]).toBe('E00000290101');
  });

  it('is silent when told, and where there is none', async () => {
    const silent = make({ signals: false });
    await silent.frontEnd.setUp();
    await silent.frontEnd.signal('done');
    expect(silent.asked).toEqual([]);
    const send = vi.fn(unsupported);
    const none = new FrontEnd(send, {}, clock, silentLogger);
    await none.setUp();
    await none.signal('done');
    expect(send).toHaveBeenCalledOnce();
  });
});
