import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CardChannel, CardReader } from '#card/channel.ts';
import { SekishoError } from '#contract/errors.ts';
import { describeCardReader, SELECT_JPKI } from '#drivers/reader-contract.ts';
import { mute, SimulatedReader } from '#drivers/simulated/index.ts';
import type { VirtualCard } from '#drivers/simulated/virtual-card.ts';
import { systemClock } from '#ports/clock.ts';
import { silentLogger } from '#ports/logger.ts';
import { type ReaderState, SupervisedReader, type SupervisionOptions } from './supervised-reader.ts';

/** As little card as the contract needs. */
const CARD: VirtualCard = {
  device: 'card',
  atr: Uint8Array.of(0x3b, 0x80, 0x80, 0x01, 0x01),
  work: { note: () => {}, take: () => [] } as unknown as VirtualCard['work'],
  powerOn: () => {},
  powerOff: () => {},
  warmReset: () => {},
  process: () => Uint8Array.of(0x90, 0x00),
};

const QUICK = { lookEveryMs: 5, retryEveryMs: 5, rideOutMs: 60_000, restartAfterMs: 60_000 };
/** The machine may be busy; a hang still fails. */
const PATIENCE = { timeout: 20_000, interval: 5 };
const patience = (): AbortSignal => new AbortController().signal;

function supervise(inner: CardReader, options: Partial<SupervisionOptions> = {}): SupervisedReader {
  return new SupervisedReader(inner, {
    clock: systemClock,
    logger: silentLogger,
    ...options,
    limits: { ...QUICK, ...options.limits },
  });
}

describeCardReader(
  'supervised',
  async () => {
    const inner = new SimulatedReader({ exchangeTimeoutMs: 200 });
    const reader = supervise(inner);
    await reader.start();
    return {
      reader,
      insertCard: async () => {
        inner.faults.length = 0;
        inner.insert(CARD);
      },
      removeCard: async () => inner.remove(),
      silenceCard: () => inner.faults.push(mute()),
      dispose: () => reader.close(),
    };
  },
  {
    removed: 'card.removed',
    unanswered: 'card.mute',
    commandTooLong: 'reader.command-too-long',
    busy: 'reader.busy',
  },
);

describe('a supervised reader', () => {
  let inner: SimulatedReader;
  let reader: SupervisedReader;
  let states: ReaderState[];

  beforeEach(() => {
    inner = new SimulatedReader();
    states = [];
    reader = supervise(inner, { onChange: (state) => states.push(state) });
  });
  afterEach(() => reader.close());

  /** Another one, looked after in another way. */
  const remake = async (options: Partial<SupervisionOptions>): Promise<void> => {
    await reader.close();
    inner = new SimulatedReader();
    reader = supervise(inner, options);
  };
  const until = (state: ReaderState): Promise<void> =>
    vi.waitFor(() => expect(reader.state).toBe(state), PATIENCE);
  const openCard = async (): Promise<CardChannel> => {
    inner.insert(CARD);
    return reader.waitForCard(patience());
  };

  it('is ready after the first look, and that is no recovery', async () => {
    await reader.start();
    expect(states).toEqual(['ready']);
    expect(reader.health()).toMatchObject({ faults: [], recoveries: 0, cardsSeen: 0 });
  });

  it('says what is wrong with a machine that was never there', async () => {
    inner.unplug();
    await reader.start();
    expect(reader.state).toBe('faulted');
    expect(reader.health()).toMatchObject({
      lastFault: 'reader.unreachable',
      faults: [{ code: 'reader.unreachable', count: 1 }],
    });
    inner.plugIn();
    await until('ready');
    expect(reader.health().recoveries).toBe(1);
  });

  it('notices a machine that goes while nobody uses it, and counts each absence once', async () => {
    await reader.start();
    for (const _ of [1, 2]) {
      inner.unplug();
      await until('faulted');
      await new Promise((resolve) => setTimeout(resolve, 30));
      inner.plugIn();
      await until('ready');
    }
    expect(states).toEqual(['ready', 'faulted', 'ready', 'faulted', 'ready']);
    expect(reader.health()).toMatchObject({
      faults: [{ code: 'reader.unreachable', count: 2 }],
      recoveries: 2,
    });
  });

  it('does not ride out an absence for somebody who has gone', async () => {
    inner.unplug();
    await reader.start();
    await expect(reader.waitForCard(AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
  });

  it('rides out an absence while it waits for a card', async () => {
    await reader.start();
    const waiting = reader.waitForCard(patience());
    await new Promise(setImmediate);
    inner.unplug();
    await until('faulted');
    inner.plugIn();
    inner.insert(CARD);
    const channel = await waiting;
    await expect(channel.transmit(SELECT_JPKI)).resolves.toEqual(Uint8Array.of(0x90, 0x00));
    expect(reader.health()).toMatchObject({ recoveries: 1, cardsSeen: 1 });
  });

  it('gives the fault to whoever waits for longer than it rides out', async () => {
    await remake({ limits: { rideOutMs: 30 } });
    inner.unplug();
    await reader.start();
    await expect(reader.waitForCard(patience())).rejects.toMatchObject({ code: 'reader.unreachable' });
  });

  it('gives a wait up when told, also while the machine is away', async () => {
    inner.unplug();
    await reader.start();
    const gaveUp = new AbortController();
    const waiting = reader.waitForCard(gaveUp.signal);
    const reason = new Error('the patient went home');
    gaveUp.abort(reason);
    await expect(waiting).rejects.toBe(reason);
  });

  it('loses the card that is being read, and reads the next one', async () => {
    await reader.start();
    const channel = await openCard();
    inner.unplug();
    await expect(channel.transmit(SELECT_JPKI)).rejects.toMatchObject({ code: 'reader.unreachable' });
    await expect(channel.transmit(SELECT_JPKI)).rejects.toMatchObject({ code: 'reader.unreachable' });
    expect(reader.state).toBe('faulted');
    await channel.close();
    inner.remove();
    inner.plugIn();
    const next = await openCard();
    await next.transmit(SELECT_JPKI);
    expect(reader.health()).toMatchObject({
      faults: [{ code: 'reader.unreachable', count: 1 }],
      recoveries: 1,
      cardsSeen: 2,
    });
  });

  it('does not look while somebody uses it', async () => {
    const probe = vi.spyOn(inner, 'probe');
    await reader.start();
    const channel = await openCard();
    const looks = probe.mock.calls.length;
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(probe.mock.calls.length).toBe(looks);
    await channel.close();
    await vi.waitFor(() => expect(probe.mock.calls.length).toBeGreaterThan(looks), PATIENCE);
  });

  it('takes a use that went well for a look', async () => {
    await remake({ limits: { lookEveryMs: 60_000 } });
    const probe = vi.spyOn(inner, 'probe');
    await reader.start();
    const channel = await openCard();
    await channel.transmit(SELECT_JPKI);
    await channel.close();
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(probe).toHaveBeenCalledOnce();
  });

  it('takes neither a card nor an end of ours for a fault of the machine', async () => {
    await reader.start();
    const channel = await openCard();
    await expect(reader.waitForCard(patience())).rejects.toMatchObject({ code: 'reader.busy' });
    inner.faults.push(mute());
    const exchange = expect(channel.transmit(SELECT_JPKI)).rejects.toMatchObject({ code: 'reader.failed' });
    await channel.close();
    await exchange;
    expect(reader.state).toBe('ready');
    expect(reader.health().faults).toEqual([]);
  });

  it('does not hammer a machine that fails at once though it answers', async () => {
    await remake({ limits: { rideOutMs: 1_000, retryEveryMs: 200 } });
    const wait = vi.spyOn(inner, 'waitForCard').mockRejectedValue(new SekishoError('reader.failed'));
    await reader.start();
    await expect(reader.waitForCard(patience())).rejects.toMatchObject({ code: 'reader.failed' });
    expect(wait.mock.calls.length).toBeGreaterThan(1);
    expect(wait.mock.calls.length).toBeLessThan(10);
  });

  it('takes a look that does not end for a fault', async () => {
    await remake({ limits: { lookTimeoutMs: 10 } });
    vi.spyOn(inner, 'probe').mockImplementation(() => new Promise(() => {}));
    await reader.start();
    expect(reader.health()).toMatchObject({ lastFault: 'reader.timeout' });
  });

  it.each([true, false])(
    'restarts a machine that stays away, and counts it when it was done: %s',
    async (isDone) => {
      const restart = vi.fn(async () => isDone);
      await remake({ restart, limits: { restartAfterMs: 20 } });
      inner.unplug();
      await reader.start();
      await vi.waitFor(() => expect(restart.mock.calls.length).toBeGreaterThan(1), PATIENCE);
      inner.plugIn();
      await until('ready');
      expect(reader.health().restarts > 0).toBe(isDone);
    },
  );

  it('shows what the driver knows of the device', async () => {
    const report = { device: 'Reader PICC 00 00', chosenBy: 'name', discardedBytes: 3 } as const;
    Object.assign(inner, { report: () => report });
    expect(reader.health()).toMatchObject(report);
  });
});
