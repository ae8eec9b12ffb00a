/** What a reader, a bridge or a chip emulator needs of anything that answers APDUs: card or SAM. */

/** Work that takes a real chip time; `timing.ts` knows how long. */
export type Operation =
  | 'command'
  | 'random'
  | 'symmetric'
  | 'nonvolatile-write'
  | 'rsa-2048-private'
  | 'rsa-2048-public'
  | 'p-256-generate'
  | 'p-256-agree'
  | 'p-256-sign'
  | 'p-256-verify'
  | 'p-384-sign'
  | 'p-384-verify';

/** Notes of a chip's work between two looks of whoever keeps the time. */
export interface WorkNotes {
  note(operation: Operation): void;
  /** What was done since the last call. */
  take(): Operation[];
}

export class WorkLog implements WorkNotes {
  #operations: Operation[] = [];

  note(operation: Operation): void {
    this.#operations.push(operation);
  }

  take(): Operation[] {
    const taken = this.#operations;
    this.#operations = [];
    return taken;
  }
}

export interface VirtualCard {
  /** For meters and log lines: which device this is. */
  readonly device: 'card' | 'sam';
  readonly atr: Uint8Array;
  readonly work: WorkNotes;
  /** Field or power comes on; does nothing while it is on. */
  powerOn(): void;
  powerOff(): void;
  /** A reset without taking the power away. */
  warmReset(): void;
  /** Answers one command APDU with a response APDU of at least two bytes; never throws. */
  process(command: Uint8Array): Uint8Array;
}
