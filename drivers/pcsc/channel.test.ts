import { describe, expect, it, vi } from 'vitest';
import type { Disposition } from './binding.ts';
import { PcscChannel } from './channel.ts';
import { PcscFailure } from './failure.ts';

const COMMAND = Uint8Array.of(0x00, 0xa4, 0x00, 0x00);
const OK = Uint8Array.of(0x90, 0x00);

function makeChannel(transmit: () => Promise<Uint8Array>, isCardGone = false) {
  const binding = {
    list: vi.fn(),
    wait: vi.fn(),
    cancel: vi.fn(),
    connect: vi.fn(),
    transmit: vi.fn((_command: Uint8Array, _timeoutMs: number) => transmit()),
    control: vi.fn(),
    disconnect: vi.fn(async (_: Disposition) => {}),
    renew: vi.fn(),
    retire: vi.fn(),
    kill: vi.fn(),
  };
  const channel = new PcscChannel({
    name: 'scripted',
    identity: new Uint8Array(),
    maxCommandBytes: 261,
    exchangeTimeoutMs: 10_000,
    binding,
    isCardGone: async () => isCardGone,
    onClosed: () => {},
  });
  return { channel, binding };
}

const fail = (text: string) => () => Promise.reject(new PcscFailure(text));

describe('a PC/SC channel', () => {
  it.each([
    ['a failed transaction', fail('Transaction failed')],
    ['an empty answer', async () => new Uint8Array()],
    ['an answer of one byte', async () => Uint8Array.of(0x90)],
  ])(
    'calls %s a removal when the card has gone, and a protocol error when it lies there',
    async (_, transmit) => {
      const gone = makeChannel(transmit, true);
      await expect(gone.channel.transmit(COMMAND)).rejects.toMatchObject({ code: 'card.removed' });
      const there = makeChannel(transmit, false);
      await expect(there.channel.transmit(COMMAND)).rejects.toMatchObject({ code: 'card.protocol' });
    },
  );

  it.each([
    ['Card was reset', 'card.removed'],
    ['Reader unavailable', 'reader.unreachable'],
    ['Communication error', 'reader.unreachable'],
  ])('stays dead after %j', async (text, code) => {
    const { channel, binding } = makeChannel(fail(text));
    await expect(channel.transmit(COMMAND)).rejects.toMatchObject({ code });
    binding.transmit.mockResolvedValue(OK);
    await expect(channel.transmit(COMMAND)).rejects.toMatchObject({ code });
    expect(binding.transmit).toHaveBeenCalledOnce();
  });

  it('carries one command at a time, with the deadline asked for', async () => {
    const { channel, binding } = makeChannel(async () => OK);
    const first = channel.transmit(COMMAND, { timeoutMs: 123 });
    await expect(channel.transmit(COMMAND)).rejects.toMatchObject({ code: 'reader.busy' });
    await expect(first).resolves.toEqual(OK);
    await channel.transmit(COMMAND);
    expect(binding.transmit.mock.calls).toEqual([
      [COMMAND, 123],
      [COMMAND, 10_000],
    ]);
  });

  it('powers the card down once, after the exchange under way', async () => {
    let answer: (response: Uint8Array) => void = () => {};
    const { channel, binding } = makeChannel(() => new Promise((resolve) => (answer = resolve)));
    const exchange = channel.transmit(COMMAND);
    const closings = Promise.all([channel.close(), channel.close()]);
    expect(binding.disconnect).not.toHaveBeenCalled();
    answer(OK);
    await exchange;
    await closings;
    expect(binding.disconnect.mock.calls).toEqual([['unpower']]);
  });

  it('leaves the power of an empty slot alone', async () => {
    const { channel, binding } = makeChannel(fail('Card was removed'));
    await expect(channel.transmit(COMMAND)).rejects.toMatchObject({ code: 'card.removed' });
    await channel.close();
    expect(binding.disconnect.mock.calls).toEqual([['leave']]);
  });

  it('closes without complaint when everything has gone', async () => {
    const { channel, binding } = makeChannel(async () => OK);
    binding.disconnect.mockRejectedValue(new PcscFailure('Invalid handle'));
    await channel.close();
  });
});
