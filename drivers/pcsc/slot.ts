/** One named slot of whatever readers pcscd has: waits for its state to change and outlives pcscd. */
import type { Clock } from '#ports/clock.ts';
import type { Logger } from '#ports/logger.ts';
import type { PcscBinding, ReaderState } from './binding.ts';
import { hasMeaning, PcscFailure, toReaderError } from './failure.ts';

/** @see https://pcsclite.apdu.fr/api/group__API.html SCARD_STATE_* */
const STATE_CHANGED = 0x0002;
const STATE_PRESENT = 0x0020;
/** Insertions and removals are counted in the upper half. */
const EVENT_COUNT = 0xffff_0000;

/** A wait in PC/SC holds a thread of libuv's pool, so it is taken in slices; a change ends a slice at once. */
const WAIT_SLICE_MS = 500;
const RETRY_PAUSE_MS = 100;

export interface SlotOptions {
  /** Part of the reader's name, or a pattern: "PICC" and "SAM" tell the slots of an ACR1252 apart. */
  readonly slot: string | RegExp;
  /** How long pcscd may be away (restart, re-plug) before that becomes an error. */
  readonly recoveryTimeoutMs: number;
  readonly binding: PcscBinding;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class Slot {
  readonly #options: SlotOptions;

  constructor(options: SlotOptions) {
    this.#options = options;
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
    const { clock, logger, recoveryTimeoutMs } = this.#options;
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
        if (!isPassing(thrown) || nowMs - awaySinceMs >= recoveryTimeoutMs) throw toReaderError(thrown);
        logger.debug('pcsc.recovering', { pcsc: thrown.scard });
        await clock.sleep(RETRY_PAUSE_MS, signal);
      }
    }
  }

  async #read(): Promise<ReaderState> {
    const { slot, binding } = this.#options;
    const readers = await binding.list();
    const reader = readers.find(({ name }) =>
      typeof slot === 'string' ? name.includes(slot) : slot.test(name),
    );
    if (!reader) throw new PcscFailure('Unknown reader');
    return { name: reader.name, state: reader.state & ~STATE_CHANGED };
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

/** What a daemon restart, a re-plug or a card moving at the wrong moment looks like. */
function isPassing(thrown: unknown): thrown is PcscFailure {
  return hasMeaning(thrown, 'service', 'reader.unreachable', 'card.removed');
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
