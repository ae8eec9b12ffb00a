/** A line to a chip that acknowledges everything and answers by a table, in virtual time. */

import type { VirtualClock } from '#ports/testing/virtual-clock.ts';
import type { LineEars, OpenLine } from '../serial-line.ts';
import { unwrap, wrap } from './scripted-chip.ts';
import { ACK, fromHex } from './scripted-line.ts';

/** Command code and data in hex, to status and data in hex; undefined says nothing at all, not even ACK. */
export type AnswerOf = (command: string) => string | undefined;

export class AnsweringLine {
  /** Commands in the order in which they came. */
  readonly commands: string[] = [];
  readonly baudRates: number[] = [];
  readonly #time: VirtualClock;
  readonly #answerOf: AnswerOf;
  #ears: LineEars | undefined;

  constructor(time: VirtualClock, answerOf: AnswerOf) {
    this.#time = time;
    this.#answerOf = answerOf;
  }

  get baudRate(): number {
    return this.baudRates.at(-1) ?? 0;
  }

  get open(): OpenLine {
    return async (baudRate, ears) => {
      this.#ears = ears;
      this.baudRates.push(baudRate);
      return {
        send: (bytes) => this.#hear([...bytes]),
        setBaudRate: async (next) => void this.baudRates.push(next),
        close: async () => {},
      };
    };
  }

  unplug(): void {
    this.#ears?.onLost(new Error('unplugged'));
  }

  #hear(bytes: number[]): void {
    const payload = unwrap(bytes);
    if (!payload) return;
    const command = Buffer.from(payload.slice(1)).toString('hex').toUpperCase();
    this.commands.push(command);
    const answer = this.#answerOf(command);
    if (answer === undefined) return;
    const code = (payload[1] ?? 0) + 1;
    this.#time.after(1, () => {
      this.#ears?.onBytes(fromHex(ACK));
      this.#ears?.onBytes(Uint8Array.from(wrap([0xd5, code, ...fromHex(answer)])));
    });
  }
}
