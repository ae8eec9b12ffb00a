/** A SAM that stays in its PC/SC slot: same line as a card, errors in the SAM's own family. */
import type { CardChannel, CardReader, ReaderReport, TransmitOptions } from '#card/channel.ts';
import { type ErrorCode, isSekishoError, SekishoError } from '#contract/errors.ts';
import { PcscReader, type PcscReaderOptions } from '#drivers/pcsc/index.ts';
import { systemClock } from '#ports/clock.ts';
import { type Logger, silentLogger } from '#ports/logger.ts';
import { type PowerCut, takePowerOff } from './power-cut.ts';

export interface SamSlotReaderOptions extends PcscReaderOptions {
  /**
   * What takes the power off when PC/SC does not. Default: whoever holds the SAM lets go, and pcscd resets it as soon as its
   * driver gives the exchange up.
   */
  readonly powerCuts?: readonly PowerCut[];
  /** How long an empty slot is waited on before the SAM counts as absent (pcscd starting, driver polling). */
  readonly presenceTimeoutMs?: number;
}

const PRESENCE_TIMEOUT_MS = 5_000;
const LET_GO_AFTER_MS = 60;
const LOOK_EVERY_MS = 20;
/** From a cut on: what was switched off is not whole in the moment when it is listed again. */
const RECOVERY_MS = 5_000;
const RETRY_PAUSE_MS = 100;
/** Nobody looks in at a SAM: who holds it is a process that died with an exchange under way. */
const LOCK_PATIENCE_MS = 1_000;

/** Whatever is not here is `sam.failed`. */
const SAM_CODES: Partial<Record<ErrorCode, ErrorCode>> = {
  'card.removed': 'sam.absent',
  'reader.unreachable': 'sam.absent',
  'reader.held-elsewhere': 'sam.held-elsewhere',
  'reader.timeout': 'sam.timeout',
};

/** After these pcscd may still wait for an answer, and the SAM have its power. */
const LOSING_CODES: readonly ErrorCode[] = ['reader.timeout', 'reader.failed'];

/**
 * Exclusive while held: when this process dies, however it dies, pcscd resets the SAM within about 0.1 s and its
 * volatile unlock state is gone. In the middle of an exchange pcscd cannot: then the power is cut.
 */
export class SamSlotReader implements CardReader {
  readonly name: string;
  readonly #reader: PcscReader;
  readonly #presenceTimeoutMs: number;
  readonly #clock;
  readonly #logger: Logger;
  readonly #powerCuts: readonly PowerCut[];
  #recoveringUntilMs = Number.NEGATIVE_INFINITY;
  readonly #inner = new WeakMap<CardChannel, CardChannel>();

  constructor(options: SamSlotReaderOptions) {
    this.name = options.name ?? 'sam-slot';
    this.#reader = new PcscReader({
      role: 'sam',
      lockPatienceMs: LOCK_PATIENCE_MS,
      ...options,
      name: this.name,
    });
    const letGo = { name: 'let-go', afterMs: LET_GO_AFTER_MS, cut: () => this.#reader.cut() };
    this.#powerCuts = options.powerCuts ?? [letGo];
    this.#logger = options.logger ?? silentLogger;
    this.#presenceTimeoutMs = options.presenceTimeoutMs ?? PRESENCE_TIMEOUT_MS;
    this.#clock = options.clock ?? systemClock;
  }

  /** Rejects with `sam.absent` when the slot stays empty. Nobody looks for a SAM whose power was cut before it is on again. */
  async waitForCard(signal: AbortSignal): Promise<CardChannel> {
    while (this.#powerCuts.some(({ isOff }) => isOff)) await this.#clock.sleep(LOOK_EVERY_MS, signal);
    const done = new AbortController();
    const absent = new AbortController();
    const watch = this.#clock.sleep(this.#presenceTimeoutMs, done.signal).then(
      () => absent.abort(new SekishoError('sam.absent')),
      () => {},
    );
    try {
      const channel = await this.#connect(AbortSignal.any([signal, absent.signal]));
      const sam = new SamChannel(channel, (released) => this.#takePowerOff(released));
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

  report(): ReaderReport {
    return this.#reader.report();
  }

  /** Off at once and by force. Rejects `sam.lock-failed`. */
  async cut(): Promise<void> {
    await Promise.all([
      this.#reader.cut(),
      this.#takePowerOff(Promise.reject(new SekishoError('sam.failed'))),
    ]);
  }

  async close(): Promise<void> {
    await this.#reader.close().catch(rethrow);
  }

  async #connect(signal: AbortSignal): Promise<CardChannel> {
    for (;;) {
      try {
        return await this.#reader.waitForCard(signal);
      } catch (thrown) {
        if (signal.aborted || this.#clock.monotonicMs() > this.#recoveringUntilMs) throw thrown;
        await this.#clock.sleep(RETRY_PAUSE_MS, signal);
      }
    }
  }

  async #takePowerOff(released: Promise<void>): Promise<void> {
    released.catch(ignore);
    try {
      const forced = await takePowerOff(released, this.#powerCuts, this.#clock);
      if (forced !== undefined) {
        this.#logger.warn('sam.power-cut', { by: forced.name });
        this.#recoveringUntilMs = this.#clock.monotonicMs() + RECOVERY_MS;
        await this.#reader.cut();
      }
      // Without power, and nowhere any more: who held it knew its commands.
      await this.#reader.renew();
    } catch (cause) {
      throw new SekishoError('sam.lock-failed', { cause });
    }
  }
}

class SamChannel implements CardChannel {
  readonly name: string;
  readonly identity: Uint8Array;
  readonly maxCommandBytes: number;
  readonly #inner: CardChannel;
  readonly #takePowerOff: (released: Promise<void>) => Promise<void>;
  #lost: SekishoError | undefined;
  #closing: Promise<void> | undefined;

  constructor(inner: CardChannel, takePowerOff: (released: Promise<void>) => Promise<void>) {
    this.#inner = inner;
    this.#takePowerOff = takePowerOff;
    this.name = inner.name;
    this.identity = inner.identity;
    this.maxCommandBytes = inner.maxCommandBytes;
  }

  transmit(command: Uint8Array, options?: TransmitOptions): Promise<Uint8Array> {
    return this.#inner.transmit(command, options).catch((thrown: unknown) => {
      if (isSekishoError(thrown, ...LOSING_CODES)) this.#lost ??= thrown;
      return rethrow(thrown);
    });
  }

  /** Resolves when the power is off, also in the middle of a command. Rejects `sam.lock-failed`. */
  close(): Promise<void> {
    this.#closing ??= this.#takePowerOff(this.#release());
    return this.#closing;
  }

  async #release(): Promise<void> {
    await this.#inner.close().catch((thrown: unknown) => {
      // Who held it died between two commands: pcscd has reset it.
      if (!isSekishoError(thrown, 'reader.failed')) throw thrown;
    });
    if (this.#lost !== undefined) throw this.#lost;
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

function ignore(): void {}
