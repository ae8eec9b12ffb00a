/**
 * One conversation with a PN532: command, acknowledgement, answer; one command at a time.
 *
 * A frame damaged on its way to us is asked for again (NACK). A command whose fate is unknown is repeated only when
 * that is harmless; otherwise the caller learns that the exchange is lost and decides.
 *
 * @see UM0701-02 §6.2.2
 */
import type { Clock } from '#ports/clock.ts';
import type { ChipCommand } from './commands.ts';
import { Pn532Failure } from './failure.ts';
import { ACK_FRAME, CHIP_TO_HOST, encodeFrame, LONGEST_PAYLOAD_BYTES, NACK_FRAME } from './frame.ts';
import { FrameDecoder, type Incoming } from './frame-decoder.ts';
import type { OpenLine, SerialLine } from './serial-line.ts';

export interface ChipOptions {
  readonly baudRate: number;
  readonly clock: Clock;
  /** Told of every byte that was not part of a frame. */
  readonly onDiscarded?: (discarded: Extract<Incoming, { kind: 'discarded' }>) => void;
}

export interface CommandOptions {
  /** How long the chip may work on it. */
  readonly timeoutMs?: number;
  /** Monotonic time at which the caller's patience ends, whatever the chip may need. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** How often a repeatable command is tried. */
  readonly attempts?: number;
}

/** The chip takes 15 ms at most; a USB adapter holds bytes back for 16 ms, a busy host for longer. */
const ACK_TIMEOUT_MS = 100;
const COMMAND_TIMEOUT_MS = 300;
/** The rest of a frame follows at once; so does the answer to a NACK. */
const STALL_TIMEOUT_MS = 100;
/** After an abort the chip is idle at once; what it had already said is on its way for that long. */
const SETTLE_MS = 20;
const ATTEMPTS = 3;
const MAX_NACKS = 3;
/** One start, eight data and one stop bit. */
const BITS_PER_BYTE = 10;

export class Chip {
  readonly #options: ChipOptions;
  readonly #clock: Clock;
  #decoder = new FrameDecoder();
  #heard: Incoming[] = [];
  #line: SerialLine | undefined;
  #lost: Pn532Failure | undefined;
  #wake: (() => void) | undefined;
  #baudRate: number;
  /** The chip may still be working on, or talking about, something that nobody waits for. */
  #isUnsettled = false;

  private constructor(options: ChipOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#baudRate = options.baudRate;
  }

  static async open(openLine: OpenLine, options: ChipOptions): Promise<Chip> {
    const chip = new Chip(options);
    chip.#line = await openLine(options.baudRate, {
      onBytes: (bytes) => chip.#receive(bytes),
      onLost: (cause) => chip.#lose(cause),
    });
    return chip;
  }

  get baudRate(): number {
    return this.#baudRate;
  }

  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  /** Resolves with the answer behind TFI and code; rejects with a `Pn532Failure`, or with the signal's reason. */
  async command(command: ChipCommand, options: CommandOptions = {}): Promise<Uint8Array> {
    const attempts = command.isRepeatable ? (options.attempts ?? ATTEMPTS) : 1;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt(command, options);
      } catch (thrown) {
        if (attempt >= attempts || !isWorthRepeating(thrown)) throw thrown;
      }
    }
  }

  /** Raw bytes before a command: the wake-up pattern, an ACK. */
  send(bytes: Uint8Array): void {
    this.#line?.send(bytes);
  }

  /** Only the host's side; the chip has been told before. */
  async setBaudRate(baudRate: number): Promise<void> {
    try {
      await this.#line?.setBaudRate(baudRate);
    } catch (cause) {
      this.#lose(cause);
      throw this.#lost ?? cause;
    }
    this.#baudRate = baudRate;
    this.#isUnsettled = true;
  }

  async close(): Promise<void> {
    this.#lost ??= new Pn532Failure('line-lost', 'closed');
    this.#wake?.();
    await this.#line?.close();
  }

  async #attempt(command: ChipCommand, options: CommandOptions): Promise<Uint8Array> {
    options.signal?.throwIfAborted();
    if (this.#lost) throw this.#lost;
    if (this.#isUnsettled) await this.#settle();
    this.#heard = [];
    this.#isUnsettled = true;
    this.send(encodeFrame(command.payload));
    if (!(await this.#hearAck(command, options))) throw new Pn532Failure('no-ack', command.name);
    const answer = await this.#hearAnswer(command, options);
    this.#isUnsettled = false;
    return answer;
  }

  /** Gives up whatever the chip is doing, and what it may still be saying. */
  async #settle(): Promise<void> {
    this.send(ACK_FRAME);
    await this.#clock.sleep(SETTLE_MS + Math.min(this.#wireMs(LONGEST_PAYLOAD_BYTES), SETTLE_MS));
    this.#report(this.#decoder.flush());
    this.#isUnsettled = false;
    if (this.#lost) throw this.#lost;
  }

  /** An answer before the acknowledgement may belong to an earlier command, and is not taken. */
  async #hearAck(command: ChipCommand, options: CommandOptions): Promise<boolean> {
    const untilMs = this.#clock.monotonicMs() + ACK_TIMEOUT_MS + this.#wireMs(command.payload.length);
    for (;;) {
      const incoming = await this.#next(untilMs, options);
      if (incoming === undefined) return false;
      if (incoming.kind === 'ack') return true;
    }
  }

  async #hearAnswer(command: ChipCommand, options: CommandOptions): Promise<Uint8Array> {
    let untilMs = this.#clock.monotonicMs() + (options.timeoutMs ?? COMMAND_TIMEOUT_MS);
    for (let nacks = 0; ; ) {
      const incoming = await this.#next(untilMs, options);
      if (incoming && isAnswerTo(command, incoming)) return incoming.payload.slice(2);
      if (incoming?.kind === 'syntax-error') throw new Pn532Failure('refused', command.name);
      if (incoming !== undefined && !isDamagedFrame(incoming)) continue;
      if (++nacks > MAX_NACKS) throw new Pn532Failure('no-response', command.name);
      // One damaged frame may leave several pieces; each NACK would bring one more answer.
      this.#heard = this.#heard.filter((each) => !isDamagedFrame(each));
      this.send(NACK_FRAME);
      const againMs = STALL_TIMEOUT_MS + this.#wireMs(LONGEST_PAYLOAD_BYTES);
      untilMs = Math.max(untilMs, this.#clock.monotonicMs() + againMs);
    }
  }

  /** The next thing on the line, or undefined at `untilMs`. The caller's deadline throws. */
  async #next(untilMs: number, { deadlineMs, signal }: CommandOptions): Promise<Incoming | undefined> {
    for (;;) {
      signal?.throwIfAborted();
      const incoming = this.#heard.shift();
      if (incoming) return incoming;
      if (this.#lost) throw this.#lost;
      const nowMs = this.#clock.monotonicMs();
      if (deadlineMs !== undefined && nowMs >= deadlineMs) throw new Pn532Failure('deadline');
      const isMidFrame = this.#decoder.isMidFrame;
      if (!isMidFrame && nowMs >= untilMs) return undefined;
      const stallMs = STALL_TIMEOUT_MS + this.#wireMs(LONGEST_PAYLOAD_BYTES);
      const waitMs = Math.min(isMidFrame ? stallMs : untilMs - nowMs, (deadlineMs ?? Infinity) - nowMs);
      const isWoken = await this.#sleep(waitMs, signal);
      if (!isWoken && isMidFrame) this.#take(this.#decoder.flush());
    }
  }

  /** True when something happened before the time was over. */
  async #sleep(ms: number, signal: AbortSignal | undefined): Promise<boolean> {
    const woken = new AbortController();
    const wake = (): void => woken.abort(WOKEN);
    this.#wake = wake;
    signal?.addEventListener('abort', wake, { once: true });
    try {
      await this.#clock.sleep(ms, woken.signal);
    } catch (thrown) {
      if (thrown !== WOKEN) throw thrown;
    } finally {
      this.#wake = undefined;
      signal?.removeEventListener('abort', wake);
    }
    return woken.signal.aborted;
  }

  #receive(bytes: Uint8Array): void {
    const incoming = this.#decoder.push(bytes);
    this.#take(incoming);
    // Noise alone wakes nobody; a frame that has begun changes how long the rest is waited for.
    if (incoming.length > 0 || this.#decoder.isMidFrame) this.#wake?.();
  }

  #take(incoming: readonly Incoming[]): void {
    this.#report(incoming);
    this.#heard.push(...incoming);
  }

  #report(incoming: readonly Incoming[]): void {
    for (const each of incoming) if (each.kind === 'discarded') this.#options.onDiscarded?.(each);
  }

  #lose(cause: unknown): void {
    this.#lost ??= new Pn532Failure('line-lost', undefined, cause);
    this.#wake?.();
  }

  #wireMs(bytes: number): number {
    return (bytes * BITS_PER_BYTE * 1000) / this.#baudRate;
  }
}

const WOKEN = Symbol('woken');

function isAnswerTo(
  { payload }: ChipCommand,
  incoming: Incoming,
): incoming is Extract<Incoming, { kind: 'frame' }> {
  const [, code = 0] = payload;
  return (
    incoming.kind === 'frame' && incoming.payload[0] === CHIP_TO_HOST && incoming.payload[1] === code + 1
  );
}

/** It began like a frame, so the chip has said something that we missed. */
function isDamagedFrame(incoming: Incoming): boolean {
  return incoming.kind === 'discarded' && incoming.reason !== 'noise';
}

function isWorthRepeating(thrown: unknown): boolean {
  return thrown instanceof Pn532Failure && ['no-ack', 'no-response', 'refused'].includes(thrown.kind);
}
