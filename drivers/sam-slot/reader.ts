/** A SAM that stays in its PC/SC slot: same line as a card, errors in the SAM's own family. */
import type { CardChannel, CardReader, TransmitOptions } from '#card/channel.ts';
import { type ErrorCode, SekishoError } from '#contract/errors.ts';
import { PcscReader, type PcscReaderOptions } from '#drivers/pcsc/index.ts';
import { systemClock } from '#ports/clock.ts';

export interface SamSlotReaderOptions extends PcscReaderOptions {
  /** How long an empty slot is waited on before the SAM counts as absent (pcscd starting, driver polling). */
  readonly presenceTimeoutMs?: number;
}

const PRESENCE_TIMEOUT_MS = 5_000;

/** Whatever is not here is `sam.failed`. */
const SAM_CODES: Partial<Record<ErrorCode, ErrorCode>> = {
  'card.removed': 'sam.absent',
  'reader.unreachable': 'sam.absent',
  'reader.held-elsewhere': 'sam.held-elsewhere',
  'reader.timeout': 'sam.timeout',
};

/**
 * Exclusive while held: when this process dies, however it dies, pcscd resets the SAM within about 0.1 s and its
 * volatile unlock state is gone.
 */
export class SamSlotReader implements CardReader {
  readonly name: string;
  readonly #reader: PcscReader;
  readonly #presenceTimeoutMs: number;
  readonly #clock;
  readonly #inner = new WeakMap<CardChannel, CardChannel>();

  constructor(options: SamSlotReaderOptions) {
    this.name = options.name ?? 'sam-slot';
    this.#reader = new PcscReader({ role: 'sam', ...options, name: this.name });
    this.#presenceTimeoutMs = options.presenceTimeoutMs ?? PRESENCE_TIMEOUT_MS;
    this.#clock = options.clock ?? systemClock;
  }

  /** Rejects with `sam.absent` when the slot stays empty. */
  async waitForCard(signal: AbortSignal): Promise<CardChannel> {
    const done = new AbortController();
    const absent = new AbortController();
    const watch = this.#clock.sleep(this.#presenceTimeoutMs, done.signal).then(
      () => absent.abort(new SekishoError('sam.absent')),
      () => {},
    );
    try {
      const channel = await this.#reader.waitForCard(AbortSignal.any([signal, absent.signal]));
      const sam = new SamChannel(channel, this.#reader);
      this.#inner.set(sam, channel);
      return sam;
    } catch (thrown) {
      throw toSamError(thrown);
    } finally {
      done.abort();
      await watch;
    }
  }

  async waitForRemoval(channel: CardChannel, signal: AbortSignal): Promise<void> {
    const inner = this.#inner.get(channel);
    if (inner) await this.#reader.waitForRemoval(inner, signal).catch(rethrow);
  }

  /** For the moment when nothing may be waited for, a SAM in the middle of a command least of all. */
  cut(): Promise<void> {
    return this.#reader.cut();
  }

  async close(): Promise<void> {
    await this.#reader.close().catch(rethrow);
  }
}

class SamChannel implements CardChannel {
  readonly name: string;
  readonly identity: Uint8Array;
  readonly maxCommandBytes: number;
  readonly #inner: CardChannel;
  readonly #reader: PcscReader;

  constructor(inner: CardChannel, reader: PcscReader) {
    this.#inner = inner;
    this.#reader = reader;
    this.name = inner.name;
    this.identity = inner.identity;
    this.maxCommandBytes = inner.maxCommandBytes;
  }

  transmit(command: Uint8Array, options?: TransmitOptions): Promise<Uint8Array> {
    return this.#inner.transmit(command, options).catch(rethrow);
  }

  /** Without power, and nowhere any more: who held it knew its commands. */
  async close(): Promise<void> {
    await this.#inner.close().catch(rethrow);
    await this.#reader.renew();
  }
}

function rethrow(thrown: unknown): never {
  throw toSamError(thrown);
}

/** The SAM's own errors and the reasons of an abort pass unchanged. */
function toSamError(thrown: unknown): unknown {
  if (!(thrown instanceof SekishoError)) return thrown;
  const family = thrown.code.split('.')[0];
  if (family !== 'card' && family !== 'reader') return thrown;
  const context = { ...thrown.context, reported: thrown.code };
  return new SekishoError(SAM_CODES[thrown.code] ?? 'sam.failed', { cause: thrown, context });
}
