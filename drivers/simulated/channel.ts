/** A reader in process: cards are put on it and taken away by calling it. */
import type { CardChannel, CardReader, TransmitOptions } from '#card/channel.ts';
import { SekishoError } from '#contract/errors.ts';
import { type Clock, systemClock } from '#ports/clock.ts';
import { CardLine } from './card-line.ts';
import type { Behaviour } from './faults.ts';
import type { Meter, TimingProfile } from './timing.ts';
import type { VirtualCard } from './virtual-card.ts';

export interface SimulatedReaderOptions {
  readonly name?: string;
  readonly clock?: Clock;
  readonly timing?: TimingProfile;
  readonly meter?: Meter;
  readonly faults?: Behaviour[];
  readonly maxCommandBytes?: number;
  /** How long a mute card is waited for when `transmit` does not say. */
  readonly exchangeTimeoutMs?: number;
}

/** Header, three bytes of Lc, 65,535 bytes of data and two of Le. */
const LONGEST_COMMAND_BYTES = 4 + 3 + 65_535 + 2;
const EXCHANGE_TIMEOUT_MS = 5_000;

export class SimulatedReader implements CardReader {
  readonly name: string;
  /** The faults in force; push and splice as you like. */
  readonly faults: Behaviour[];
  readonly #options: SimulatedReaderOptions;
  readonly #clock: Clock;
  readonly #waiters = new Set<() => void>();
  readonly #cardOf = new WeakMap<CardChannel, VirtualCard>();
  #cards: readonly VirtualCard[] = [];
  #open: SimulatedChannel | undefined;
  #isClosed = false;
  #isUnplugged = false;

  constructor(options: SimulatedReaderOptions = {}) {
    this.#options = options;
    this.name = options.name ?? 'simulated';
    this.#clock = options.clock ?? systemClock;
    this.faults = options.faults ?? [];
  }

  /** Puts a card into the field or slot; a second one makes a collision. */
  insert(card: VirtualCard): void {
    this.#cards = [...this.#cards, card];
    this.#wake();
  }

  /** Takes everything away; a channel that is open loses its card at once. */
  remove(): void {
    const gone = this.#cards;
    this.#cards = [];
    this.#open?.lose();
    this.#open = undefined;
    for (const card of gone) card.powerOff();
    this.#wake();
  }

  /** The machine itself goes away, with whatever lay on it in mid-command; `plugIn` brings it back. */
  unplug(): void {
    this.#isUnplugged = true;
    this.#open?.lose(new SekishoError('reader.unreachable'));
    this.#open = undefined;
    for (const card of this.#cards) card.powerOff();
    this.#wake();
  }

  plugIn(): void {
    this.#isUnplugged = false;
    this.#wake();
  }

  async probe(): Promise<void> {
    if (this.#isUnplugged || this.#isClosed) throw new SekishoError('reader.unreachable');
  }

  get isOccupied(): boolean {
    return this.#cards.length > 0;
  }

  async waitForCard(signal: AbortSignal): Promise<CardChannel> {
    await this.#waitFor(() => this.#cards.length > 0, signal);
    if (this.#open !== undefined) throw new SekishoError('reader.busy');
    const [card, second] = this.#cards;
    if (card === undefined || second !== undefined || this.faults.some(({ isCollision }) => isCollision)) {
      throw new SekishoError('card.collision');
    }
    card.powerOn();
    const { timing, meter } = this.#options;
    const line = new CardLine(card, { clock: this.#clock, timing, meter, faults: this.faults });
    const channel = new SimulatedChannel(line, {
      name: `${this.name}:${card.device}`,
      maxCommandBytes: this.#options.maxCommandBytes ?? LONGEST_COMMAND_BYTES,
      timeoutMs: this.#options.exchangeTimeoutMs ?? EXCHANGE_TIMEOUT_MS,
      clock: this.#clock,
      onClosed: () => this.#release(card),
      onRemoved: () => this.remove(),
    });
    this.#open = channel;
    this.#cardOf.set(channel, card);
    return channel;
  }

  async waitForRemoval(channel: CardChannel, signal: AbortSignal): Promise<void> {
    const card = this.#cardOf.get(channel);
    await this.#waitFor(() => card === undefined || !this.#cards.includes(card), signal);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#open?.close();
    this.#wake();
  }

  #release(card: VirtualCard): void {
    this.#open = undefined;
    card.powerOff();
    this.#wake();
  }

  #wake(): void {
    for (const waiter of [...this.#waiters]) waiter();
  }

  /** Waits by event; rejects with the signal's reason, or when the reader is closed. */
  #waitFor(isTrue: () => boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        this.#waiters.delete(check);
        signal.removeEventListener('abort', onAbort);
        act();
      };
      const onAbort = (): void => settle(() => reject(signal.reason));
      const check = (): void => {
        if (this.#isClosed || this.#isUnplugged) settle(() => reject(new SekishoError('reader.unreachable')));
        else if (isTrue()) settle(resolve);
      };
      this.#waiters.add(check);
      signal.addEventListener('abort', onAbort);
      if (signal.aborted) onAbort();
      else check();
    });
  }
}

interface ChannelOptions {
  readonly name: string;
  readonly maxCommandBytes: number;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly onClosed: () => void;
  readonly onRemoved: () => void;
}

class SimulatedChannel implements CardChannel {
  readonly name: string;
  readonly identity: Uint8Array;
  readonly maxCommandBytes: number;
  readonly #line: CardLine;
  readonly #options: ChannelOptions;
  readonly #end = new AbortController();
  #isBusy = false;
  #isClosed = false;

  constructor(line: CardLine, options: ChannelOptions) {
    this.#line = line;
    this.#options = options;
    this.name = options.name;
    this.identity = line.card.atr;
    this.maxCommandBytes = options.maxCommandBytes;
  }

  async transmit(command: Uint8Array, options: TransmitOptions = {}): Promise<Uint8Array> {
    this.#end.signal.throwIfAborted();
    if (command.length > this.maxCommandBytes) throw new SekishoError('reader.command-too-long');
    if (this.#isBusy) throw new SekishoError('reader.busy');
    this.#isBusy = true;
    try {
      const answer = await this.#exchange(command, options.timeoutMs ?? this.#options.timeoutMs);
      if (answer.length < 2) throw this.#fail(new SekishoError('card.protocol'));
      return answer;
    } finally {
      this.#isBusy = false;
    }
  }

  close(): Promise<void> {
    this.#fail(new SekishoError('reader.failed', { context: { reason: 'channel closed' } }));
    if (!this.#isClosed) this.#options.onClosed();
    this.#isClosed = true;
    return Promise.resolve();
  }

  /** The card left the reader, or the reader left. */
  lose(error = new SekishoError('card.removed')): void {
    this.#isClosed = true;
    this.#fail(error);
  }

  /** The first failure is the channel's last word. */
  #fail(error: SekishoError): SekishoError {
    if (!this.#end.signal.aborted) this.#end.abort(error);
    return error;
  }

  async #exchange(command: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    const finished = new AbortController();
    const answer = this.#line.exchange(command).then((outcome) => {
      if (outcome.kind === 'answer') return outcome.bytes;
      if (outcome.kind === 'removed') this.#options.onRemoved();
      // Mute or gone: only the end of the channel, or its deadline, settles the exchange.
      return new Promise<never>(() => {});
    });
    const ended = rejectOnAbort(this.#end.signal, finished.signal);
    const deadline = this.#options.clock.sleep(timeoutMs, finished.signal).then(() => {
      throw this.#fail(new SekishoError('card.mute'));
    });
    deadline.catch(() => {});
    try {
      return await Promise.race([answer, ended, deadline]);
    } finally {
      finished.abort();
    }
  }
}

/** Rejects with the reason of `signal`; stops listening when `until` is aborted. */
function rejectOnAbort(signal: AbortSignal, until: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const listener = (): void => reject(signal.reason);
    if (signal.aborted) listener();
    else signal.addEventListener('abort', listener, { once: true, signal: until });
  });
}
