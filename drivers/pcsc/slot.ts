/** One slot of whatever readers pcscd has: waits for its state to change and outlives pcscd. */
import type { ReaderReport } from '#card/channel.ts';
import type { Clock } from '#ports/clock.ts';
import type { Logger } from '#ports/logger.ts';
import type { PcscBinding, ReaderState } from './binding.ts';
import { hasMeaning, PcscFailure, toReaderError } from './failure.ts';
import { type ChosenSlot, chooseSlot, type SlotWish } from './slot-choice.ts';

/** @see https://pcsclite.apdu.fr/api/group__API.html SCARD_STATE_* */
const STATE_CHANGED = 0x0002;
const STATE_UNKNOWN = 0x0004;
const STATE_UNAVAILABLE = 0x0008;
const STATE_PRESENT = 0x0020;
/** Insertions and removals are counted in the upper half. */
const EVENT_COUNT = 0xffff_0000;

/** A wait in PC/SC holds a thread of libuv's pool, so it is taken in slices; a change ends a slice at once. */
const WAIT_SLICE_MS = 500;
const RETRY_PAUSE_MS = 100;

export interface SlotOptions {
  readonly wish: SlotWish;
  /** How long pcscd may be away (restart, re-plug) before that becomes an error. */
  readonly recoveryTimeoutMs: number;
  /** How long another program may hold the card before that becomes an error. */
  readonly lockPatienceMs: number;
  readonly binding: PcscBinding;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class Slot {
  readonly #options: SlotOptions;
  #chosen: ChosenSlot | undefined;

  constructor(options: SlotOptions) {
    this.#options = options;
  }

  /** What was chosen last, and why. */
  get report(): ReaderReport {
    return this.#chosen === undefined ? {} : { device: this.#chosen.reader.name, chosenBy: this.#chosen.by };
  }

  /** Looks once, at the cost of one call to pcscd. */
  async look(): Promise<ReaderState> {
    try {
      return await this.#read();
    } catch (thrown) {
      if (hasMeaning(thrown, 'service')) await this.#options.binding.renew().catch(() => {});
      throw toReaderError(thrown);
    }
  }

  /** Resolves with the first state that `isWanted`. */
  waitUntil(isWanted: (reader: ReaderState) => boolean, signal: AbortSignal): Promise<ReaderState> {
    return this.attempt(async (confirm) => {
      for (;;) {
        const reader = await this.#read();
        confirm();
        if (isWanted(reader)) return reader;
        await this.#waitForChange(reader, signal);
      }
    }, signal);
  }

  /**
   * Repeats `action` while pcscd or the reader is away, for at most `recoveryTimeoutMs` since `action` last
   * confirmed that both are there.
   */
  async attempt<T>(action: (confirm: () => void) => Promise<T>, signal: AbortSignal): Promise<T> {
    const { clock, logger, recoveryTimeoutMs, lockPatienceMs } = this.#options;
    let awaySinceMs: number | undefined;
    const confirm = (): void => {
      awaySinceMs = undefined;
    };
    for (;;) {
      signal.throwIfAborted();
      try {
        return await action(confirm);
      } catch (thrown) {
        signal.throwIfAborted();
        const nowMs = clock.monotonicMs();
        awaySinceMs ??= nowMs;
        // Also when it is told at once: whoever asks next must not meet the same dead context.
        if (hasMeaning(thrown, 'service')) await this.#options.binding.renew().catch(() => {});
        const patienceMs = hasMeaning(thrown, 'reader.held-elsewhere') ? lockPatienceMs : recoveryTimeoutMs;
        if (!isPassing(thrown) || nowMs - awaySinceMs >= patienceMs) throw toReaderError(thrown);
        logger.debug('pcsc.recovering', { pcsc: thrown.scard });
        await clock.sleep(RETRY_PAUSE_MS, signal);
      }
    }
  }

  async #read(): Promise<ReaderState> {
    const readers = await this.#options.binding.list();
    const reader = this.#choose(readers);
    if ((reader.state & (STATE_UNKNOWN | STATE_UNAVAILABLE)) !== 0)
      throw new PcscFailure('Reader unavailable');
    return { ...reader, state: reader.state & ~STATE_CHANGED };
  }

  /** What a card told stays so while the reader is there: what lies in a slot may change, its antenna does not. */
  #choose(readers: readonly ReaderState[]): ReaderState {
    const known = readers.find(({ name }) => name === this.#chosen?.reader.name);
    if (known !== undefined && this.#chosen?.by === 'probe') return known;
    const chosen = chooseSlot(readers, this.#options.wish);
    if (chosen.reader.name !== this.#chosen?.reader.name) {
      const { role } = this.#options.wish;
      this.#options.logger.info('pcsc.slot', { role, device: chosen.reader.name, by: chosen.by });
    }
    this.#chosen = chosen;
    return chosen.reader;
  }

  async #waitForChange(reader: ReaderState, signal: AbortSignal): Promise<void> {
    const { binding } = this.#options;
    const onAbort = (): void => void binding.cancel().catch(() => {});
    signal.throwIfAborted();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await unlessAborted(binding.wait(reader, WAIT_SLICE_MS), signal);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }
}

export function hasCard(reader: ReaderState): boolean {
  return (reader.state & STATE_PRESENT) !== 0;
}

/** True when the card that was there in `before` has gone, even if another one lies there `now`. */
export function hasLostCard(before: ReaderState, now: ReaderState): boolean {
  return !hasCard(now) || ((before.state ^ now.state) & EVENT_COUNT) !== 0;
}

/** What a daemon restart, a re-plug, a card moving at the wrong moment or a program that looks in looks like. */
function isPassing(thrown: unknown): thrown is PcscFailure {
  return hasMeaning(thrown, 'service', 'reader.unreachable', 'reader.held-elsewhere', 'card.removed');
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const settled = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true, signal: settled.signal });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    settled.abort();
  }
}
