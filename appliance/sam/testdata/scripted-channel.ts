/** Replays vectors: each command must come exactly as written, in its turn. For tests only. */

import type { CardChannel } from '#card/channel.ts';
import { instructionName } from '#card/instruction.ts';

export interface ScriptedStep {
  readonly command: string;
  /** Response APDU with status; or an error that the channel rejects with. */
  readonly answer: string | Error;
}

export class ScriptedChannel implements CardChannel {
  readonly name = 'scripted:sam';
  readonly identity = new Uint8Array();
  readonly maxCommandBytes = 65_544;
  #steps: readonly ScriptedStep[];
  closed = 0;

  constructor(...steps: readonly ScriptedStep[]) {
    this.#steps = steps;
  }

  get remaining(): number {
    return this.#steps.length;
  }

  async transmit(command: Uint8Array): Promise<Uint8Array> {
    const [step, ...rest] = this.#steps;
    const got = Buffer.from(command).toString('hex');
    if (got !== step?.command) {
      throw new Error(`${instructionName(command[1] ?? 0)}\n  sent     ${got}\n  expected ${step?.command}`);
    }
    this.#steps = rest;
    if (typeof step.answer !== 'string') {
      throw step.answer;
    }
    return Buffer.from(step.answer, 'hex');
  }

  async close(): Promise<void> {
    this.closed += 1;
  }
}
