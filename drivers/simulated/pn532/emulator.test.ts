import { describe, expect, it } from 'vitest';
import { concat, fromHex, toHex } from '../bytes.ts';
import { EmulatedPn532 } from './emulator.ts';
import { EchoCard } from './testing/echo-card.ts';
import { ACK, frameOf, HOST_ACK, HOST_NACK, ScriptedHost, WAKE_UP } from './testing/scripted-host.ts';

const VERSION = '0332010607';
const QUIET_MS = 30;

function wire(): { chip: EmulatedPn532; host: ScriptedHost } {
  const chip = new EmulatedPn532();
  const host = new ScriptedHost();
  chip.attach(host);
  return { chip, host };
}

async function started(): Promise<{ chip: EmulatedPn532; host: ScriptedHost }> {
  const wired = wire();
  expect(await wired.host.start()).toBe('15');
  return wired;
}

describe('a chip after power-up', () => {
  it('is asleep: a frame without the wake-up bytes is not heard', async () => {
    const { host } = wire();
    expect(await host.ask('02', QUIET_MS)).toBe('…');
    expect(await host.ask('02')).toBe(VERSION);
  });

  it('loses what follows the wake-up bytes too closely', async () => {
    const { host } = wire();
    host.write(concat(fromHex('5555'), frameOf('02')));
    expect(await host.take((hex) => hex !== '', QUIET_MS)).toBe('');
    expect(await host.ask('02')).toBe(VERSION);
  });

  it('answers byte by byte as published', async () => {
    const { host } = wire();
    host.write(WAKE_UP);
    host.write(fromHex('0000FF02FED4022A00'));
    expect(await host.take((hex) => hex.endsWith('E800'))).toBe(`${ACK}0000FF06FAD50332010607E800`);
  });

  it('uses no radio before SAMConfiguration', async () => {
    const { host } = wire();
    host.write(WAKE_UP);
    expect(await host.ask('4A010300', QUIET_MS)).toBe(`…${ACK}0000FF01FF7F8100`);
    expect(await host.ask('1401')).toBe('15');
    expect(await host.ask('3205000000')).toBe('33');
    expect(await host.ask('4A010300')).toBe('4B00');
  });
});

describe('commands about the chip', () => {
  it.each([
    ['0000414243', '0100414243'],
    ['0001', '0100'],
    ['0002', '0100'],
    ['04', '0500000000'],
    ['06630263036327', '07808080'],
    ['0C', '0D3F0600'],
    ['1214', '13'],
  ])('%s is answered %s', async (body, response) => {
    const { host } = await started();
    expect(await host.ask(body)).toBe(response);
  });

  it.each(['18', '4A030300', '4A0103', '1009', '0663', '1400', '320200', 'EE'])(
    '%s is a syntax error',
    async (body) => {
      const { host } = await started();
      expect(await host.ask(body, QUIET_MS)).toBe(`…${ACK}0000FF01FF7F8100`);
    },
  );

  it('keep what was written: registers and pins', async () => {
    const { host } = await started();
    expect(await host.ask('08630583633D07')).toBe('09');
    expect(await host.ask('066305633D')).toBe('078307');
    expect(await host.ask('0EBE02')).toBe('0F');
    expect(await host.ask('0C')).toBe('0D3E0600');
  });
});

describe('a command that is given up', () => {
  it('is not answered after the ACK of the host, and the next one is', async () => {
    const { host } = await started();
    expect(await host.ask('4A010300', QUIET_MS)).toBe(`…${ACK}`);
    host.write(HOST_ACK);
    expect(await host.ask('02')).toBe(VERSION);
  });

  it('is ended by the next command too', async () => {
    const { host } = await started();
    expect(await host.ask('4A010300', QUIET_MS)).toBe(`…${ACK}`);
    expect(await host.ask('02')).toBe(VERSION);
  });

  it('would have waited for a card, however long', async () => {
    const { chip, host } = await started();
    const answer = host.ask('4A010300');
    setTimeout(() => chip.insert(new EchoCard()), QUIET_MS);
    expect(await answer).toBe('4B010150DEADBEEF000041E0B381A10101');
  });
});

describe('the rate of the line', () => {
  it('changes when the host has acknowledged the response, and not before', async () => {
    const { chip, host } = await started();
    expect(await host.ask('1006')).toBe('11');
    expect(chip.baud).toBe(115_200);
    host.write(HOST_ACK);
    expect(chip.baud).toBe(460_800);
  });

  it('outlives the host, and means nonsense to one that does not know it', async () => {
    const { chip, host } = await started();
    await host.ask('1008');
    host.write(HOST_ACK);
    const next = new ScriptedHost();
    next.hostBaud = 115_200;
    chip.attach(next);
    expect(await next.ask('02', QUIET_MS)).toBe('…');
    next.hostBaud = 1_288_000;
    next.write(HOST_ACK);
    expect(await next.ask('02')).toBe(VERSION);
  });

  it('may differ by what a UART forgives', async () => {
    const { host } = await started();
    host.hostBaud = 117_000;
    expect(await host.ask('02')).toBe(VERSION);
  });

  it('is 115,200 again after the supply broke down', async () => {
    const { chip, host } = await started();
    await host.ask('1006');
    host.write(HOST_ACK);
    chip.reset();
    expect(chip.baud).toBe(115_200);
    expect(await host.ask('02', QUIET_MS)).toBe('…');
    expect(await host.start()).toBe('15');
  });

  it('survives PowerDown', async () => {
    const { chip, host } = await started();
    await host.ask('1006');
    host.write(HOST_ACK);
    expect(await host.ask('16F0')).toBe('1700');
    expect(chip.baud).toBe(460_800);
    host.hostBaud = 460_800;
    host.write(fromHex('55'));
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await host.ask('02')).toBe(VERSION);
  });
});

describe('what goes wrong on the line', () => {
  const WHOLE = `${ACK}0000FF06FAD50332010607E800`;

  async function received(kind: Parameters<EmulatedPn532['chipFaults']['add']>[0]): Promise<Uint8Array[]> {
    const { chip, host } = await started();
    host.pieces = [];
    chip.chipFaults.add(kind);
    host.write(frameOf('02'));
    const pieces = await host.takePieces((hex) => hex.endsWith('E800'));
    // Once, and then all is well again.
    expect(await host.ask('02')).toBe(VERSION);
    return pieces;
  }
  const joined = (pieces: Uint8Array[]): string => pieces.map(toHex).join('');

  it('loses, spoils and doubles an ACK', async () => {
    expect(joined(await received({ kind: 'ack-lost' }))).toBe(WHOLE.slice(12));
    expect(joined(await received({ kind: 'ack-corrupt' }))).toBe(`0000FF00FE00${WHOLE.slice(12)}`);
    expect(joined(await received({ kind: 'ack-twice' }))).toBe(ACK + WHOLE);
  });

  it('splits, merges and adds noise', async () => {
    expect((await received({ kind: 'split' })).length).toBe(1 + 13);
    const merged = await received({ kind: 'merge' });
    expect([merged.length, joined(merged)]).toEqual([1, WHOLE]);
    const noisy = joined(await received({ kind: 'noise', value: 5 }));
    expect(noisy).toHaveLength(WHOLE.length + 10);
    expect(noisy.endsWith(WHOLE.slice(12))).toBe(true);
  });

  it('loses or spoils a response, which the host gets by NACK', async () => {
    for (const kind of ['response-lost', 'response-corrupt'] as const) {
      const { chip, host } = await started();
      chip.chipFaults.add({ kind });
      const first = await host.ask('02', QUIET_MS);
      expect(first).not.toBe(`${ACK}${WHOLE}`);
      host.pieces = [];
      host.write(HOST_NACK);
      expect(await host.take((hex) => hex !== '')).toBe(WHOLE.slice(12));
    }
  });

  it('counts before it strikes', async () => {
    const { chip, host } = await started();
    chip.chipFaults.add({ kind: 'response-lost', at: 2, times: 2 });
    const answers = [];
    for (let count = 0; count < 4; count += 1) answers.push(await host.ask('02', QUIET_MS));
    expect(answers).toEqual([VERSION, `…${ACK}`, `…${ACK}`, VERSION]);
  });
});

describe('a chip that fails', () => {
  it('sleeps and has forgotten everything after a brown-out in mid-command', async () => {
    const { chip, host } = await started();
    const card = new EchoCard();
    chip.insert(card);
    await host.ask('4A010300');
    expect(card.isPowered).toBe(true);
    chip.chipFaults.add({ kind: 'brown-out' });
    expect(await host.ask('400100A40000', QUIET_MS)).toBe(`…${ACK}`);
    expect(card.isPowered).toBe(false);
    expect(await host.ask('02', QUIET_MS)).toBe('…');
    expect(await host.start()).toBe('15');
    expect(await host.ask('400100A40000')).toBe('4127');
  });

  it('falls to another rate', async () => {
    const { chip, host } = await started();
    host.hostBaud = 115_200;
    chip.chipFaults.add({ kind: 'baud-lost', value: 9_600 });
    await host.ask('02', QUIET_MS);
    expect(await host.ask('02', QUIET_MS)).toBe('…');
    host.hostBaud = 9_600;
    host.write(HOST_ACK);
    expect(await host.ask('02')).toBe(VERSION);
  });

  it('is stuck until the host gives up, or hangs until its supply is cut', async () => {
    const { chip, host } = await started();
    chip.chipFaults.add({ kind: 'stuck' });
    expect(await host.ask('02', QUIET_MS)).toBe(`…${ACK}`);
    host.write(HOST_ACK);
    expect(await host.ask('02')).toBe(VERSION);
    chip.chipFaults.add({ kind: 'hung' });
    for (let tries = 0; tries < 3; tries += 1) expect(await host.ask('02', QUIET_MS)).toBe('…');
    chip.reset();
    expect(await host.start()).toBe('15');
  });
});
