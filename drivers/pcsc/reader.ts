/** A contactless front end behind PC/SC. */
import type { CardChannel, CardReader, ReaderReport, ReaderSignal } from '#card/channel.ts';
import { SekishoError } from '#contract/errors.ts';
import { type Clock, systemClock } from '#ports/clock.ts';
import { type Logger, silentLogger } from '#ports/logger.ts';
import { type PcscBinding, PcscHost, type ReaderState } from './binding.ts';
import { PcscChannel } from './channel.ts';
import { hasMeaning, PcscFailure } from './failure.ts';
import { FrontEnd, type FrontEndOptions } from './front-end.ts';
import { hasCard, hasLostCard, Slot } from './slot.ts';
import type { SlotRole } from './slot-choice.ts';

export interface PcscReaderOptions {
  /** Part of the reader's name, or a pattern; absent: found by `slot-choice.ts`. */
  readonly slot?: string | RegExp | undefined;
  /** What the slot is for. Default: cards. */
  readonly role?: SlotRole;
  /** For log lines; default `pcsc`. */
  readonly name?: string;
  readonly exchangeTimeoutMs?: number;
  readonly connectTimeoutMs?: number;
  /** How long pcscd or the reader may be away (restart, re-plug) before that becomes an error. */
  readonly recoveryTimeoutMs?: number;
  /** How long another program may hold the card before that becomes an error. */
  readonly lockPatienceMs?: number;
  readonly maxCommandBytes?: number;
  readonly maxReadBlockBytes?: number | undefined;
  /** Polling, light and sound; absent: the reader is left as it is. */
  readonly frontEnd?: FrontEndOptions | undefined;
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** Another pcscd than the system's. */
  readonly socketPath?: string;
  readonly binding?: PcscBinding;
}

/** Longer than any card operation: an FWT of 4.9 s (ISO 14443-4 §7.2) and room for extensions. */
const EXCHANGE_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 5_000;
const RECOVERY_TIMEOUT_MS = 5_000;
/** A program that only looks at a card is gone within a second. */
const LOCK_PATIENCE_MS = 2_000;
/** What fits a 16-bit length, vpcd's limit; within PC/SC's own of 65,548. */
const MAX_COMMAND_BYTES = 65_535;
/** pcscd looks for the card every 400 ms (PCSCLITE_STATUS_POLL_RATE); one look and a margin. */
const REMOVAL_NOTICE_MS = 600;

export class PcscReader implements CardReader {
  readonly name: string;
  readonly #options: PcscReaderOptions;
  readonly #binding: PcscBinding;
  readonly #clock: Clock;
  readonly #slot: Slot;
  readonly #end = new AbortController();
  readonly #seenAt = new WeakMap<CardChannel, ReaderState>();
  readonly #frontEnd: FrontEnd | undefined;
  #open: CardChannel | undefined;
  /** A reader that came back is as its maker delivered it. */
  #isSetUp = false;

  constructor(options: PcscReaderOptions) {
    this.#options = options;
    this.name = options.name ?? 'pcsc';
    this.#binding = options.binding ?? new PcscHost(options.socketPath);
    this.#clock = options.clock ?? systemClock;
    const logger = options.logger ?? silentLogger;
    this.#slot = new Slot({
      wish: { role: options.role ?? 'card', name: options.slot },
      recoveryTimeoutMs: options.recoveryTimeoutMs ?? RECOVERY_TIMEOUT_MS,
      lockPatienceMs: options.lockPatienceMs ?? LOCK_PATIENCE_MS,
      binding: this.#binding,
      clock: this.#clock,
      logger,
    });
    const send = (command: Uint8Array): Promise<Uint8Array> =>
      this.#binding.control(this.report().device ?? '', command);
    if (options.frontEnd) this.#frontEnd = new FrontEnd(send, options.frontEnd, this.#clock, logger);
  }

  async waitForCard(signal: AbortSignal): Promise<CardChannel> {
    if (this.#open) throw new SekishoError('reader.busy');
    const stop = AbortSignal.any([signal, this.#end.signal]);
    const { reader, identity } = await this.#slot.attempt(async () => {
      const reader = await this.#slot.waitUntil(hasCard, stop);
      return { reader, identity: await this.#connect(reader) };
    }, stop);
    if (stop.aborted) await this.#binding.disconnect('unpower').catch(() => {});
    stop.throwIfAborted();
    return this.#openChannel(reader, identity);
  }

  async waitForRemoval(channel: CardChannel, signal: AbortSignal): Promise<void> {
    const seen = this.#seenAt.get(channel);
    if (!seen) return;
    await this.#slot.waitUntil((now) => hasLostCard(seen, now), AbortSignal.any([signal, this.#end.signal]));
  }

  /** Finds the reader, and sets its front end up when it is new. */
  async probe(): Promise<void> {
    try {
      await this.#slot.look();
    } catch (thrown) {
      this.#isSetUp = false;
      throw thrown;
    }
    if (this.#isSetUp) return;
    this.#isSetUp = true;
    await this.#frontEnd?.setUp();
  }

  report(): ReaderReport {
    return this.#slot.report;
  }

  async signal(signal: ReaderSignal): Promise<void> {
    await this.#frontEnd?.signal(signal).catch(() => {});
  }

  /** Takes the card away from whatever is being done with it; pcscd resets it as soon as its driver lets go. */
  cut(): Promise<void> {
    return this.#binding.kill();
  }

  /** Ends the process that holds the card, and what it has in memory with it; the next card gets a fresh one. */
  renew(): Promise<void> {
    return this.#binding.retire();
  }

  async close(): Promise<void> {
    this.#end.abort(new SekishoError('reader.unreachable', { context: { reason: 'reader-closed' } }));
    try {
      await this.#open?.close();
    } finally {
      await this.#binding.retire();
    }
  }

  #openChannel(reader: ReaderState, identity: Uint8Array): CardChannel {
    const channel = new PcscChannel({
      name: `${this.name}:${reader.name}`,
      identity,
      maxCommandBytes: this.#options.maxCommandBytes ?? MAX_COMMAND_BYTES,
      maxReadBlockBytes: this.#options.maxReadBlockBytes,
      exchangeTimeoutMs: this.#options.exchangeTimeoutMs ?? EXCHANGE_TIMEOUT_MS,
      binding: this.#binding,
      isCardGone: () => this.#isCardGone(reader),
      onClosed: () => {
        this.#open = undefined;
      },
    });
    this.#open = channel;
    this.#seenAt.set(channel, reader);
    return channel;
  }

  /** A card that left while it was being powered up counts as not having come. */
  async #connect(reader: ReaderState): Promise<Uint8Array> {
    try {
      return await this.#binding.connect(reader.name, this.#options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS);
    } catch (thrown) {
      const isSilent = hasMeaning(thrown, 'card.mute', 'exchange');
      throw isSilent && (await this.#isCardGone(reader)) ? new PcscFailure('Card was removed') : thrown;
    }
  }

  async #isCardGone(seen: ReaderState): Promise<boolean> {
    const decided = new AbortController();
    try {
      return await Promise.race([
        this.#slot.waitUntil((now) => hasLostCard(seen, now), decided.signal).then(() => true),
        this.#clock.sleep(REMOVAL_NOTICE_MS, decided.signal).then(() => false),
      ]);
    } finally {
      decided.abort();
    }
  }
}
