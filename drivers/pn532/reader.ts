/** A PN532 as a reader: finds it, calls cards, and finds it again when it was gone. */
import type { CardChannel, CardReader, ReaderReport } from '#card/channel.ts';
import { isSekishoError, SekishoError } from '#contract/errors.ts';
import { type Clock, systemClock } from '#ports/clock.ts';
import { type Logger, silentLogger } from '#ports/logger.ts';
import { type ActiveCard, activate } from './activation.ts';
import { bringUp, shutDown } from './bring-up.ts';
import { Pn532Channel } from './channel.ts';
import { DEFAULT_BAUD_RATE } from './commands.ts';
import { isCardFailure, Pn532Failure, toReaderError } from './failure.ts';
import { FrontEnd } from './front-end.ts';
import type { OpenLine } from './serial-line.ts';
import { Turn } from './turn.ts';

export interface Pn532ReaderOptions {
  /** For the status page: what `openLine` opens. */
  readonly device?: string;
  readonly openLine: OpenLine;
  /** One of the chip's nine; the chip is told to switch. */
  readonly baudRate?: number;
  /** For log lines; default `pn532`. */
  readonly name?: string;
  /** Longest answer of a card to one command. */
  readonly exchangeTimeoutMs?: number;
  /** How long the chip or its line may be away (re-plug, brown-out) before that becomes an error. */
  readonly recoveryTimeoutMs?: number;
  /** Field off between two calls without an answer: cards that hang start anew, and it saves power. */
  readonly pollPauseMs?: number;
  readonly clock?: Clock;
  readonly logger?: Logger;
}

/** A card may think for three seconds, and the chip waits 3.28 s. */
const EXCHANGE_TIMEOUT_MS = 5_000;
const RECOVERY_TIMEOUT_MS = 5_000;
const POLL_PAUSE_MS = 40;
const RETRY_PAUSE_MS = 100;
const PRESENCE_PAUSE_MS = 150;
const DESELECT_TIMEOUT_MS = 500;
/** A card at the edge of the field misses a call now and then. */
const MISSES_OF_A_CARD_GONE = 2;
/** A card that answers the call and then nothing is being moved, or broken. */
const MAX_FALSE_STARTS = 5;

export class Pn532Reader implements CardReader {
  readonly name: string;
  readonly #options: Pn532ReaderOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #end = new AbortController();
  readonly #turn = new Turn();
  /** How many absences had been noticed when the card of a channel came. */
  readonly #seenAt = new WeakMap<CardChannel, number>();
  #frontEnd: FrontEnd | undefined;
  #open: Pn532Channel | undefined;
  #absences = 0;
  #misses = 0;
  #falseStarts = 0;
  #discardedBytes = 0;

  constructor(options: Pn532ReaderOptions) {
    this.#options = options;
    this.name = options.name ?? 'pn532';
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? silentLogger;
  }

  async waitForCard(signal: AbortSignal): Promise<CardChannel> {
    const stop = AbortSignal.any([signal, this.#end.signal]);
    for (;;) {
      const channel = await this.#persist(() => this.#look(stop), stop);
      if (channel) return channel;
      await this.#clock.sleep(this.#options.pollPauseMs ?? POLL_PAUSE_MS, stop);
    }
  }

  async waitForRemoval(channel: CardChannel, signal: AbortSignal): Promise<void> {
    const stop = AbortSignal.any([signal, this.#end.signal]);
    while (this.#seenAt.get(channel) === this.#absences) {
      stop.throwIfAborted();
      const isThere =
        this.#open === undefined ? await this.#persist(() => this.#glance(stop), stop) : undefined;
      if (this.#open === channel && (await this.#open.isPresent()) === false) this.#absences++;
      if (isThere !== false) await this.#clock.sleep(PRESENCE_PAUSE_MS, stop);
    }
  }

  /** Any command that the chip answers will do. The field stays off. */
  async probe(signal: AbortSignal): Promise<void> {
    const stop = AbortSignal.any([signal, this.#end.signal]);
    const check = async (): Promise<void> => {
      const frontEnd = await this.#reach(stop);
      frontEnd.doubtSettings();
      await frontEnd.configure(stop);
    };
    await this.#persist(() => this.#turn.take(check), stop);
  }

  report(): ReaderReport {
    const { device } = this.#options;
    const discardedBytes = this.#discardedBytes;
    return device === undefined ? { discardedBytes } : { device, chosenBy: 'config', discardedBytes };
  }

  async close(): Promise<void> {
    this.#end.abort(new SekishoError('reader.unreachable', { context: { reason: 'reader-closed' } }));
    await this.#open?.close();
    await this.#turn.take(() => this.#letGo());
  }

  /** One call. A card that answers gets a channel. */
  #look(stop: AbortSignal): Promise<CardChannel | undefined> {
    return this.#turn.take(async () => {
      stop.throwIfAborted();
      if (this.#open) throw new SekishoError('reader.busy');
      const frontEnd = await this.#reach(stop);
      const closing = new AbortController();
      try {
        const card = await this.#activateOne(frontEnd, stop, closing.signal);
        stop.throwIfAborted();
        if (card) return this.#openChannel(frontEnd, card, closing);
      } catch (thrown) {
        frontEnd.doubtSettings();
        if (isFalseStart(thrown) && ++this.#falseStarts <= MAX_FALSE_STARTS) return this.#darken(frontEnd);
        this.#falseStarts = 0;
        if (!frontEnd.chip.isLost) await this.#darken(frontEnd);
        throw thrown;
      }
      this.#noteAbsence();
      return this.#darken(frontEnd);
    });
  }

  /** Type A is called first, so that the chip is left set to type B, which every My Number Card is. */
  async #activateOne(
    frontEnd: FrontEnd,
    signal: AbortSignal,
    closing: AbortSignal,
  ): Promise<ActiveCard | undefined> {
    await frontEnd.configure(signal);
    await frontEnd.fieldOn(signal);
    const found = { a: await frontEnd.list('A', 2, signal), b: await frontEnd.list('B', 2, signal) };
    if (found.a.length + found.b.length > 1) throw new Pn532Failure('collision');
    const [cardB] = found.b;
    const activation = { frontEnd, clock: this.#clock, signal, closing };
    if (cardB) return activate(cardB, activation);
    if (found.a.length === 0) return undefined;
    await frontEnd.resetField(signal);
    const [again] = await frontEnd.list('A', 1, signal);
    if (!again) throw new Pn532Failure('silent', 'gone while activated');
    return activate(again, activation);
  }

  /** Whether any card is there. It loses its session. */
  #glance(stop: AbortSignal): Promise<boolean> {
    return this.#turn.take(async () => {
      if (this.#open && this.#open.failure === undefined) return true;
      return this.#isAnyCardThere(await this.#reach(stop), stop);
    });
  }

  async #isAnyCardThere(frontEnd: FrontEnd, signal?: AbortSignal): Promise<boolean> {
    await frontEnd.configure(signal);
    await frontEnd.resetField(signal);
    const found = [...(await frontEnd.list('B', 1, signal)), ...(await frontEnd.list('A', 1, signal))];
    await frontEnd.fieldOff();
    if (found.length > 0) this.#misses = 0;
    else this.#noteAbsence();
    return found.length > 0;
  }

  #noteAbsence(): void {
    this.#falseStarts = 0;
    if (++this.#misses === MISSES_OF_A_CARD_GONE) this.#absences++;
  }

  async #darken(frontEnd: FrontEnd): Promise<undefined> {
    await frontEnd.fieldOff();
  }

  #openChannel(frontEnd: FrontEnd, card: ActiveCard, closing: AbortController): CardChannel {
    this.#misses = 0;
    this.#falseStarts = 0;
    const channel = new Pn532Channel({
      name: `${this.name}:${card.type}`,
      identity: card.identity,
      transmission: card.transmission,
      clock: this.#clock,
      exchangeTimeoutMs: this.#options.exchangeTimeoutMs ?? EXCHANGE_TIMEOUT_MS,
      closing,
      explain: (thrown) => this.#turn.take(() => this.#explain(frontEnd, thrown)),
      release: (mayDeselect) => this.#turn.take(() => this.#release(frontEnd, card, mayDeselect)),
    });
    this.#open = channel;
    this.#seenAt.set(channel, this.#absences);
    return channel;
  }

  /** A silent card and a card that has gone sound the same; a new call tells. */
  async #explain(frontEnd: FrontEnd, thrown: unknown): Promise<SekishoError> {
    frontEnd.doubtSettings();
    if (!isCardFailure(thrown)) return toReaderError(thrown);
    try {
      if (await this.#isAnyCardThere(frontEnd)) return toReaderError(thrown);
      this.#absences++;
      return new SekishoError('card.removed', { cause: thrown });
    } catch (trouble) {
      return toReaderError(trouble);
    }
  }

  /** Never rejects: a chip that cannot take its field away is looked for anew, which begins with field off. */
  async #release(frontEnd: FrontEnd, card: ActiveCard, mayDeselect: boolean): Promise<void> {
    try {
      if (mayDeselect) {
        const deadlineMs = this.#clock.monotonicMs() + DESELECT_TIMEOUT_MS;
        await card.transmission.deselect(deadlineMs).catch(() => false);
      }
      await frontEnd.fieldOff();
    } catch (thrown) {
      this.#logger.warn('pn532.release', { reason: String(thrown) });
      await this.#letGo();
    } finally {
      this.#open = undefined;
    }
  }

  async #reach(signal: AbortSignal): Promise<FrontEnd> {
    if (this.#frontEnd && !this.#frontEnd.chip.isLost) return this.#frontEnd;
    await this.#letGo();
    const { openLine, baudRate = DEFAULT_BAUD_RATE } = this.#options;
    const chip = await bringUp({
      openLine,
      baudRate,
      clock: this.#clock,
      logger: this.#logger,
      signal,
      onDiscarded: (bytes) => {
        this.#discardedBytes += bytes.length;
      },
    });
    this.#frontEnd = new FrontEnd(chip, this.#clock);
    return this.#frontEnd;
  }

  async #letGo(): Promise<void> {
    const frontEnd = this.#frontEnd;
    this.#frontEnd = undefined;
    if (frontEnd) await shutDown(frontEnd.chip, this.#clock);
  }

  /** Repeats `action` with a chip found anew while chip or line are away, for at most `recoveryTimeoutMs`. */
  async #persist<T>(action: () => Promise<T>, stop: AbortSignal): Promise<T> {
    const recoveryTimeoutMs = this.#options.recoveryTimeoutMs ?? RECOVERY_TIMEOUT_MS;
    let awaySinceMs: number | undefined;
    for (;;) {
      stop.throwIfAborted();
      try {
        return await action();
      } catch (thrown) {
        stop.throwIfAborted();
        if (!isPassing(thrown)) throw toReaderError(thrown);
        const nowMs = this.#clock.monotonicMs();
        awaySinceMs ??= nowMs;
        // Also before giving up: whoever asks next must look for the chip at every rate, not where it was.
        await this.#turn.take(() => this.#letGo());
        if (nowMs - awaySinceMs >= recoveryTimeoutMs) throw toReaderError(thrown);
        this.#logger.debug('pn532.recovering', { reason: String(thrown) });
        await this.#clock.sleep(RETRY_PAUSE_MS, stop);
      }
    }
  }
}

/** The card answered the call, then no more: it is being moved. */
function isFalseStart(thrown: unknown): boolean {
  return thrown instanceof Pn532Failure && ['silent', 'garbled', 'deadline'].includes(thrown.kind);
}

/** What a re-plug, a brown-out or a lost rate looks like. */
function isPassing(thrown: unknown): boolean {
  if (thrown instanceof Pn532Failure) return !isCardFailure(thrown) && thrown.kind !== 'not-a-pn532';
  return isSekishoError(thrown, 'reader.device-missing', 'reader.unreachable', 'reader.timeout');
}
