/**
 * The chip's end of the serial line: bytes in and out at its own rate, each taking as long as on a wire.
 *
 * A line whose other end tells its rate carries what a real one would: nonsense, when the two disagree.
 */
import type { Clock } from '#ports/clock.ts';
import { type Random, systemRandom } from '#ports/random.ts';
import { concat } from '../bytes.ts';
import { Pacer } from '../timing.ts';
import { BITS_PER_BYTE, receivedAt } from './baud.ts';
import type { ChipFaults } from './faults.ts';

/** What the chip is connected to: a pty, a socket, or another program in this process. */
export interface SerialLine {
  /** Called with what the host sent, and its rates meanwhile, when they are known: one, or two while it changed. */
  onBytes: (bytes: Uint8Array, hostBauds?: readonly number[]) => void;
  /** The rate of the host now, when it is known. */
  readonly hostBaud: number | undefined;
  send(bytes: Uint8Array): void;
}

export interface SerialPortOptions {
  readonly line: SerialLine;
  readonly clock: Clock;
  readonly isTimed: boolean;
  readonly faults: ChipFaults;
  readonly random?: Random | undefined;
  readonly baud: () => number;
  /** One byte as the chip received it, with the time when it was over; `wireMs` is that time on a wire in any profile. */
  readonly onByte: (byte: number, atMs: number, wireMs: number) => void;
}

const NOISE_BYTES = 8;

export class ChipSerialPort {
  readonly #options: SerialPortOptions;
  readonly #pacer: Pacer;
  #receivedMs = 0;
  #sentMs = 0;
  /** Held back to leave together with what comes next. */
  #held: Uint8Array = new Uint8Array();

  constructor(options: SerialPortOptions) {
    this.#options = options;
    this.#pacer = new Pacer(options.clock);
    options.line.onBytes = (bytes, hostBauds) => this.#receive(bytes, hostBauds);
  }

  /** Of one byte, by the profile. */
  get byteMs(): number {
    return this.#options.isTimed ? this.#wireByteMs : 0;
  }

  get #wireByteMs(): number {
    return (BITS_PER_BYTE * 1_000) / this.#options.baud();
  }

  #receive(bytes: Uint8Array, hostBauds: readonly number[] = []): void {
    const { baud, clock, onByte } = this.#options;
    const hostBaud = hostBauds.at(-1);
    const heard =
      hostBaud === undefined || hostBauds.includes(baud()) ? bytes : receivedAt(bytes, hostBaud, baud());
    const nowMs = clock.monotonicMs();
    // What was sent a little early, to make up for late timers, was not answered before its time.
    this.#receivedMs = Math.max(this.#receivedMs, this.#sentMs, nowMs);
    let wireMs = nowMs;
    for (const byte of heard) {
      // The rate may change with any byte: with the ACK of the host.
      this.#receivedMs += this.byteMs;
      wireMs += this.#wireByteMs;
      onByte(byte, this.#receivedMs, wireMs);
    }
  }

  /** Sends a frame that is ready at `readyMs`; resolves when its last byte has left. */
  async sendAck(bytes: Uint8Array, readyMs: number, signal: AbortSignal): Promise<number> {
    const fault = this.#options.faults.strike('ack-lost', 'ack-corrupt', 'ack-twice', 'merge');
    if (fault?.kind === 'ack-lost') return this.#occupy(bytes.length, readyMs, signal);
    if (fault?.kind === 'ack-corrupt') return this.#send(bytes.with(4, 0xfe), readyMs, signal);
    if (fault?.kind === 'ack-twice') return this.#send(concat(bytes, bytes), readyMs, signal);
    if (fault?.kind === 'merge') this.#held = bytes;
    return fault?.kind === 'merge'
      ? this.#occupy(bytes.length, readyMs, signal)
      : this.#send(bytes, readyMs, signal);
  }

  async sendResponse(bytes: Uint8Array, readyMs: number, signal: AbortSignal): Promise<number> {
    const fault = this.#options.faults.strike('response-lost', 'response-corrupt', 'split', 'noise');
    if (fault?.kind === 'response-lost') return this.#occupy(bytes.length, readyMs, signal);
    if (fault?.kind === 'response-corrupt') {
      const at = bytes.length - 2;
      return this.#send(bytes.with(at, (bytes[at] ?? 0) ^ 0x10), readyMs, signal);
    }
    if (fault?.kind === 'noise') {
      const noise = (this.#options.random ?? systemRandom).bytes(fault.value ?? NOISE_BYTES);
      return this.#send(concat(noise, bytes), readyMs, signal);
    }
    if (fault?.kind !== 'split') return this.#send(bytes, readyMs, signal);
    const size = Math.max(1, fault.value ?? 1);
    let endMs = readyMs;
    for (let at = 0; at < bytes.length; at += size) {
      endMs = await this.#send(bytes.slice(at, at + size), endMs, signal);
      // Each piece is a read of its own.
      await this.#options.clock.sleep(1, signal);
    }
    return endMs;
  }

  async #send(bytes: Uint8Array, readyMs: number, signal: AbortSignal): Promise<number> {
    const endMs = await this.#occupy(bytes.length, readyMs, signal);
    const { line, baud } = this.#options;
    const whole = concat(this.#held, bytes);
    this.#held = new Uint8Array();
    const { hostBaud } = line;
    line.send(hostBaud === undefined ? whole : receivedAt(whole, baud(), hostBaud));
    return endMs;
  }

  /** Lets the time pass that so many bytes take. */
  async #occupy(bytes: number, readyMs: number, signal: AbortSignal): Promise<number> {
    const startMs = Math.max(this.#sentMs, readyMs);
    const ms = bytes * this.byteMs;
    await this.#pacer.waitUntil(startMs, ms, signal);
    signal.throwIfAborted();
    this.#sentMs = startMs + ms;
    return this.#sentMs;
  }
}
