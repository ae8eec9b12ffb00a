/**
 * What can go wrong in the chip, on its serial line and on the air, as typed data. Faults of the card itself are the
 * behaviours of `../faults.ts`, and work behind this chip too.
 */

export const CHIP_FAULTS = {
  /** Counted in ACK frames of the chip. */
  'ack-lost': 'the chip runs the command, its ACK never arrives',
  'ack-corrupt': 'one bit of the ACK is wrong',
  'ack-twice': 'the ACK comes two times',
  /** Counted in responses. */
  'response-lost': 'the chip ran the command, its response never arrives',
  'response-corrupt': 'one bit of the response is wrong',
  split: 'the response comes in pieces of VALUE bytes (1)',
  merge: 'ACK and response come in one piece',
  noise: 'VALUE random bytes (8) come before the response',
  /** Counted in commands. */
  'brown-out':
    'the supply breaks down while the chip runs a command: no response, everything forgotten, asleep',
  'baud-lost': 'the chip falls to VALUE baud (115200) in the middle of a command, and stays there',
  stuck: 'the chip acknowledges the command and never ends it; an ACK of the host frees it',
  hung: 'the chip says nothing any more until it is reset',
  /** Counted in frames that a card sends. */
  'rf-timeout': 'the frame of the card is not heard',
  'frame-error': 'the checksum of the frame on the air is wrong',
  'block-removal': 'the card is taken away instead of sending this frame, and does not come back',
  'oversize-block': 'the card sends VALUE bytes (300) more than it announced',
  /** Counted in commands that the card understood. */
  'wtx-storm': 'the card asks VALUE times (100) for more time before it answers',
} as const;

export type ChipFaultKind = keyof typeof CHIP_FAULTS;

export interface ChipFault {
  readonly kind: ChipFaultKind;
  /** 1 is the next event that it counts. Default: 1. */
  readonly at?: number;
  /** How many events in a row it spoils. Default: 1. */
  readonly times?: number;
  readonly value?: number;
}

interface Armed {
  readonly fault: ChipFault;
  before: number;
  left: number;
}

/** The faults in force. One that has happened as often as it should is gone. */
export class ChipFaults {
  #armed: Armed[] = [];

  add(fault: ChipFault): void {
    const { at = 1, times = 1 } = fault;
    this.#armed.push({ fault, before: at - 1, left: times });
  }

  clear(): void {
    this.#armed = [];
  }

  get names(): string[] {
    return this.#armed.map(({ fault, before, left }) => `${fault.kind} ${before + 1} ${left}`);
  }

  /** Counts one event for each of `kinds`, and answers the first fault that it sets off. */
  strike(...kinds: readonly ChipFaultKind[]): ChipFault | undefined {
    const counted = this.#armed.filter(({ fault }) => kinds.includes(fault.kind));
    const struck = counted.find(({ before }) => before === 0);
    for (const armed of counted) {
      if (armed.before > 0) armed.before -= 1;
      else if (armed === struck) armed.left -= 1;
    }
    this.#armed = this.#armed.filter(({ left }) => left > 0);
    return struck?.fault;
  }
}

export function isChipFaultKind(name: string): name is ChipFaultKind {
  return Object.hasOwn(CHIP_FAULTS, name);
}
