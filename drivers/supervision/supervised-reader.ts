/**
 * A reader that is looked after: whatever driver is inside may crash, reset, vanish and come back.
 *
 * It is looked at while nobody uses it, and its faults are learnt from whoever does. A wait for a card rides out a short
 * absence; a card that was being read is lost with a `reader.*` error, because what it had authenticated is gone.
 */
import type { CardChannel, CardReader, ReaderReport, ReaderSignal } from '#card/channel.ts';
import { type ErrorCode, isSekishoError, SekishoError } from '#contract/errors.ts';
import type { ReaderHealth } from '#contract/snapshot.ts';
import { after, type Clock, within } from '#ports/clock.ts';
import type { Logger } from '#ports/logger.ts';
import { HealthRecord } from './health-record.ts';
import { SupervisedChannel } from './supervised-channel.ts';

export type ReaderState = 'ready' | 'faulted';

export interface SupervisionLimits {
  /** Between two looks at a reader that works and that nobody uses. */
  readonly lookEveryMs: number;
  /** Between two looks at one that does not. */
  readonly retryEveryMs: number;
  /** A look that takes longer is a fault. */
  readonly lookTimeoutMs: number;
  /** A wait for a card outlives faults this short. */
  readonly rideOutMs: number;
  /** Away for this long, it is restarted on its bus, and again after as long. */
  readonly restartAfterMs: number;
}

export interface SupervisionOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onChange?: (state: ReaderState) => void;
  /** Restarts the device where that is possible and allowed; resolves with whether it was done. Never rejects. */
  readonly restart?: (() => Promise<boolean>) | undefined;
  readonly limits?: Partial<SupervisionLimits>;
}

const LIMITS: SupervisionLimits = {
  lookEveryMs: 1_000,
  retryEveryMs: 200,
  lookTimeoutMs: 5_000,
  rideOutMs: 5_000,
  restartAfterMs: 15_000,
};

/** What a reader says of whoever asks, not of itself. */
const NO_TROUBLE: readonly ErrorCode[] = ['reader.busy', 'reader.command-too-long'];
/** Counted, but the machine works. */
const HELD: ErrorCode = 'reader.held-elsewhere';

export class SupervisedReader implements CardReader {
  readonly name: string;
  readonly #inner: CardReader;
  readonly #options: SupervisionOptions;
  readonly #limits: SupervisionLimits;
  readonly #clock: Clock;
  readonly #record: HealthRecord;
  readonly #end = new AbortController();
  readonly #innerOf = new WeakMap<CardChannel, CardChannel>();
  /** Resolve when the state changes or a use ends. */
  readonly #waiting = new Set<() => void>();
  #state: ReaderState = 'faulted';
  #hasFailed = false;
  #fault = new SekishoError('reader.unreachable', { context: { reason: 'not-looked-at-yet' } });
  #faultedAtMs: number;
  #restartedAtMs: number;
  /** Waits and open channels: while there is one, the device is theirs. */
  #uses = 0;
  /** When the last of them ended. */
  #usedAtMs = Number.NEGATIVE_INFINITY;
  #look: Promise<void> | undefined;
  #watching: Promise<void> | undefined;

  constructor(inner: CardReader, options: SupervisionOptions) {
    this.name = inner.name;
    this.#inner = inner;
    this.#options = options;
    this.#clock = options.clock;
    this.#limits = { ...LIMITS, ...options.limits };
    this.#record = new HealthRecord(this.#clock.nowMs());
    this.#faultedAtMs = this.#restartedAtMs = this.#clock.monotonicMs();
  }

  /** Begins to look after it; resolves when it was looked at once. */
  async start(): Promise<void> {
    this.#watching ??= this.#watch();
    await this.#look;
  }

  get state(): ReaderState {
    return this.#state;
  }

  health(): ReaderHealth {
    return this.#record.describe(this.report());
  }

  report(): ReaderReport {
    return this.#inner.report?.() ?? {};
  }

  /** Nobody waits for light and sound. */
  async signal(signal: ReaderSignal): Promise<void> {
    if (this.#state === 'ready') await this.#inner.signal?.(signal).catch(() => undefined);
  }

  /** Rejects with the fault when the reader stays away for longer than `rideOutMs`. */
  async waitForCard(signal: AbortSignal): Promise<CardChannel> {
    let troubleSinceMs: number | undefined;
    for (;;) {
      const startedMs = this.#clock.monotonicMs();
      await this.#untilReady(troubleSinceMs ?? startedMs, signal);
      try {
        return await this.#use(() => this.#openChannel(signal));
      } catch (thrown) {
        const nowMs = this.#clock.monotonicMs();
        if (signal.aborted || this.#end.signal.aborted || !this.noteFault(thrown)) throw thrown;
        // Trouble that was over for long is another trouble.
        if (troubleSinceMs === undefined || nowMs - startedMs > this.#limits.rideOutMs)
          troubleSinceMs = nowMs;
        else if (nowMs - troubleSinceMs >= this.#limits.rideOutMs) throw thrown;
      }
    }
  }

  async waitForRemoval(channel: CardChannel, signal: AbortSignal): Promise<void> {
    const inner = this.#innerOf.get(channel);
    if (inner === undefined) return;
    await this.#use(() => this.#inner.waitForRemoval(inner, signal)).catch((thrown: unknown) => {
      if (!signal.aborted) this.noteFault(thrown);
      throw thrown;
    });
  }

  async close(): Promise<void> {
    this.#end.abort(new SekishoError('reader.unreachable', { context: { reason: 'reader-closed' } }));
    this.#wake();
    await this.#inner.close();
    await this.#watching;
  }

  /** Counts what is the machine's fault, and looks at it until it is back; false for everything else. */
  noteFault(thrown: unknown): boolean {
    if (!isReaderError(thrown) || NO_TROUBLE.includes(thrown.code)) return false;
    this.#record.countFault(thrown.code);
    if (thrown.code === HELD) return false;
    this.#fault = thrown;
    this.#hasFailed = true;
    if (this.#state === 'ready') {
      this.#faultedAtMs = this.#restartedAtMs = this.#clock.monotonicMs();
      this.#change('faulted');
    }
    this.#options.logger.warn('reader.faulted', { reader: this.name, code: thrown.code, error: thrown });
    return true;
  }

  async #openChannel(signal: AbortSignal): Promise<CardChannel> {
    const inner = await this.#inner.waitForCard(signal);
    this.#record.countCard();
    this.#uses += 1;
    const channel = new SupervisedChannel(inner, {
      onFault: (thrown) => this.noteFault(thrown),
      onClosed: () => this.#release(),
    });
    this.#innerOf.set(channel, inner);
    return channel;
  }

  /** Looks and uses never overlap. */
  async #use<T>(work: () => Promise<T>): Promise<T> {
    this.#uses += 1;
    try {
      await this.#look;
      return await work();
    } finally {
      this.#release();
    }
  }

  #release(): void {
    this.#uses -= 1;
    this.#usedAtMs = this.#clock.monotonicMs();
    this.#wake();
  }

  async #untilReady(sinceMs: number, signal: AbortSignal): Promise<void> {
    if (this.#watching === undefined) return;
    while (this.#state === 'faulted') {
      signal.throwIfAborted();
      const leftMs = sinceMs + this.#limits.rideOutMs - this.#clock.monotonicMs();
      if (leftMs <= 0) throw this.#fault;
      await this.#changeWithin(leftMs, signal);
      signal.throwIfAborted();
      this.#end.signal.throwIfAborted();
    }
  }

  async #watch(): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      const { lookEveryMs } = this.#limits;
      // Whoever used it has just seen that it works.
      const restMs = this.#state === 'ready' ? this.#usedAtMs + lookEveryMs - this.#clock.monotonicMs() : 0;
      if (this.#uses === 0 && restMs <= 0) {
        this.#look = this.#lookOnce();
        await this.#look;
        this.#look = undefined;
      }
      if (this.#state === 'ready') await this.#changeWithin(restMs > 0 ? restMs : lookEveryMs);
      // A device that fails at once must not be asked at once, for ever.
      if (this.#state === 'faulted')
        await this.#clock.sleep(this.#limits.retryEveryMs, signal).catch(() => undefined);
    }
  }

  async #lookOnce(): Promise<void> {
    try {
      await this.#probeInTime();
      this.#recovered();
    } catch (thrown) {
      if (this.#end.signal.aborted) return;
      if (this.#state === 'ready' || !this.#hasFailed) this.noteFault(asFault(thrown));
      else await this.#restartWhenDue();
    }
  }

  async #probeInTime(): Promise<void> {
    const stop = new AbortController();
    const onEnd = (): void => stop.abort(this.#end.signal.reason);
    this.#end.signal.addEventListener('abort', onEnd, { once: true });
    try {
      const look = Promise.resolve(this.#inner.probe?.(stop.signal));
      await within(this.#clock, this.#limits.lookTimeoutMs, look, () => {
        const error = new SekishoError('reader.timeout', { context: { operation: 'probe' } });
        stop.abort(error);
        throw error;
      });
    } finally {
      this.#end.signal.removeEventListener('abort', onEnd);
    }
  }

  #recovered(): void {
    if (this.#state === 'ready') return;
    const awayMs = Math.round(this.#clock.monotonicMs() - this.#faultedAtMs);
    // The first look is a start, not a recovery.
    if (this.#hasFailed) {
      this.#record.countRecovery();
      this.#options.logger.info('reader.recovered', { reader: this.name, awayMs });
    }
    this.#change('ready');
  }

  async #restartWhenDue(): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    if (this.#options.restart === undefined || nowMs - this.#restartedAtMs < this.#limits.restartAfterMs)
      return;
    this.#restartedAtMs = nowMs;
    if (await this.#options.restart()) this.#record.countRestart();
  }

  #change(state: ReaderState): void {
    this.#state = state;
    this.#record.changed(this.#clock.nowMs());
    this.#wake();
    this.#options.onChange?.(state);
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  /** Resolves when something changed, when `signal` was aborted, or after `ms`. */
  async #changeWithin(ms: number, signal?: AbortSignal): Promise<void> {
    let wake = (): void => undefined;
    let callOff = (): void => undefined;
    await new Promise<void>((resolve) => {
      wake = resolve;
      this.#waiting.add(wake);
      signal?.addEventListener('abort', wake, { once: true });
      callOff = after(this.#clock, ms, wake);
    });
    callOff();
    signal?.removeEventListener('abort', wake);
    this.#waiting.delete(wake);
  }
}

function isReaderError(thrown: unknown): thrown is SekishoError {
  return isSekishoError(thrown) && thrown.code.startsWith('reader.');
}

function asFault(thrown: unknown): SekishoError {
  return isReaderError(thrown) ? thrown : new SekishoError('reader.failed', { cause: thrown });
}
