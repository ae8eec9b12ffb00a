/** A serial line with a script at its other end: what the host must send next, and what it hears. */
import type { LineEars, OpenLine, SerialLine } from '../serial-line.ts';

export interface Step {
  /** The bytes of one `send`, in hex; spaces are for reading. */
  readonly host: string;
  /** What comes back, chunk by chunk. */
  readonly chip?: readonly string[];
}

export const ACK = '0000FF00FF00';
export const NACK = '0000FFFF0000';

const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex').toUpperCase();
export const fromHex = (hex: string): Uint8Array =>
  Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

export class ScriptedLine implements SerialLine {
  readonly #steps: Step[];
  readonly baudRates: number[] = [];
  /** Sends that the script did not foresee. */
  readonly unexpected: string[] = [];
  isClosed = false;
  ears: LineEars | undefined;

  constructor(steps: readonly Step[]) {
    this.#steps = [...steps];
  }

  get open(): OpenLine {
    return async (baudRate, ears) => {
      this.baudRates.push(baudRate);
      this.ears = ears;
      return this;
    };
  }

  get isFinished(): boolean {
    return this.#steps.length === 0 && this.unexpected.length === 0;
  }

  send(bytes: Uint8Array): void {
    const step = this.#steps[0];
    const sent = toHex(bytes);
    if (step?.host.replaceAll(' ', '') !== sent) {
      this.unexpected.push(`${sent} instead of ${step?.host ?? 'nothing'}`);
      return;
    }
    this.#steps.shift();
    queueMicrotask(() => {
      for (const chunk of step.chip ?? []) this.ears?.onBytes(fromHex(chunk));
    });
  }

  async setBaudRate(baudRate: number): Promise<void> {
    this.baudRates.push(baudRate);
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}
