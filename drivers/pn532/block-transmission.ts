/**
 * The half-duplex block transmission protocol: APDUs of any length over short blocks that may get lost.
 *
 * Block numbers make every block count exactly once: whatever is lost or damaged on the way, a card never executes a
 * command twice and an answer is never made of wrong pieces. Rules are numbered as in ISO 14443-4 §7.5.4.
 *
 * @see ISO 14443-4 §7.5
 */
import type { Clock } from '#ports/clock.ts';
import { type Block, type BlockNumber, encodeBlock, headerBytes, parseBlock } from './block.ts';
import { LONGEST_BLOCK_IN_NORMAL_FRAME_BYTES } from './commands.ts';
import { type FailureKind, Pn532Failure } from './failure.ts';

/** How one block to the card ended. */
export type RadioOutcome =
  | { readonly kind: 'answer'; readonly bytes: Uint8Array }
  /** Nothing came within the radio timeout. */
  | { readonly kind: 'silent' }
  /** Something came that nobody can read. */
  | { readonly kind: 'garbled' }
  /** Between host and chip: nobody knows whether the card has heard it. */
  | { readonly kind: 'lost' };

export interface RadioWait {
  /** `answer`: as long as a card may think; `sign-of-life`: as long as an R-block takes. */
  readonly patience: 'answer' | 'sign-of-life';
  /** Monotonic. Past it the exchange rejects with `deadline`. */
  readonly deadlineMs: number;
}

/** Sends a block, hears the answer. Rejects with a `Pn532Failure` when the chip itself is at fault. */
export type Radio = (block: Uint8Array, wait: RadioWait) => Promise<RadioOutcome>;

export interface BlockTransmissionOptions {
  readonly radio: Radio;
  readonly clock: Clock;
  /** The number given to the card, if it takes one. */
  readonly cid: number | undefined;
  /** FSC: the longest frame that the card takes, with CRC. */
  readonly cardFrameBytes: number;
  /** FSD: the longest frame that the card was told to send, with CRC. */
  readonly readerFrameBytes: number;
  /** FWT */
  readonly frameWaitMs: number;
}

const CRC_BYTES = 2;
/** In a row, for one block. @see ISO 14443-4 annex B: two or three, then deselect */
const MAX_FAILURES = 3;
/** For one block. A card asks every FWT; thinking for seconds takes a few dozen at most. */
const MAX_WAITS = 256;
/** 65,536 bytes and SW1 SW2: the most that an APDU can ask for. */
const MOST_ANSWER_BYTES = 65_538;
/** @see ISO 14443-4 §7.2: FWT is never longer than this, however it is extended. */
const LONGEST_FRAME_WAIT_MS = 4_949;

type Information = Extract<Block, { kind: 'information' }>;

export class BlockTransmission {
  readonly #options: BlockTransmissionOptions;
  #number: BlockNumber = 0;

  constructor(options: BlockTransmissionOptions) {
    this.#options = options;
  }

  /** Rejects with a `Pn532Failure`; after that the two sides may be out of step, and the card must be activated anew. */
  async transmit(command: Uint8Array, deadlineMs: number): Promise<Uint8Array> {
    const pieces = this.#cut(command);
    const last = pieces.pop() ?? new Uint8Array(0);
    for (const bytes of pieces) await this.#sendPiece(bytes, deadlineMs);
    let answer = await this.#sendInformation(last, deadlineMs);
    const parts: Uint8Array[] = [];
    let lengthBytes = 0;
    for (;;) {
      parts.push(answer.bytes);
      lengthBytes += answer.bytes.length;
      if (lengthBytes > MOST_ANSWER_BYTES) throw new Pn532Failure('broken-rules', 'endless answer');
      if (!answer.isChained) return concatenate(parts, lengthBytes);
      if (answer.bytes.length === 0) throw new Pn532Failure('broken-rules', 'empty piece');
      answer = await this.#askForMore(deadlineMs);
    }
  }

  /** Asks for a sign of life that leaves the session as it is. Only between two calls of `transmit`. */
  async isPresent(deadlineMs: number): Promise<boolean> {
    // R(NAK) with the next number: the card has nothing to repeat and acknowledges (rule 12).
    const ask = this.#encode({ kind: 'nak', number: this.#number });
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#options.radio(ask, { patience: 'sign-of-life', deadlineMs });
      if (outcome.kind === 'answer' || outcome.kind === 'garbled') return true;
      if (attempt < MAX_FAILURES) continue;
      if (outcome.kind === 'lost') throw toFailure(outcome);
      return false;
    }
  }

  /** Lets the card go; true when it said goodbye. */
  async deselect(deadlineMs: number): Promise<boolean> {
    const bye = this.#encode({ kind: 'deselect' });
    const outcome = await this.#options.radio(bye, { patience: 'sign-of-life', deadlineMs });
    return outcome.kind === 'answer' && parseBlock(outcome.bytes, this.#options.cid)?.kind === 'deselect';
  }

  #cut(command: Uint8Array): Uint8Array[] {
    const { cid, cardFrameBytes } = this.#options;
    const longestBlock = Math.min(cardFrameBytes - CRC_BYTES, LONGEST_BLOCK_IN_NORMAL_FRAME_BYTES);
    const step = longestBlock - headerBytes(cid);
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < command.length; at += step) pieces.push(command.subarray(at, at + step));
    return pieces;
  }

  /** Not the last one: the card acknowledges it. */
  async #sendPiece(bytes: Uint8Array, deadlineMs: number): Promise<void> {
    const block: Block = { kind: 'information', number: this.#number, isChained: true, bytes };
    await this.#exchange(block, 'ack', deadlineMs);
    this.#toggle();
  }

  async #sendInformation(bytes: Uint8Array, deadlineMs: number): Promise<Information> {
    const block: Block = { kind: 'information', number: this.#number, isChained: false, bytes };
    return this.#expectInformation(block, deadlineMs);
  }

  async #askForMore(deadlineMs: number): Promise<Information> {
    return this.#expectInformation({ kind: 'ack', number: this.#number }, deadlineMs);
  }

  async #expectInformation(block: Block, deadlineMs: number): Promise<Information> {
    const answer = await this.#exchange(block, 'information', deadlineMs);
    if (answer.kind !== 'information') throw new Pn532Failure('broken-rules', answer.kind);
    this.#toggle();
    return answer;
  }

  /** Rules B and C. */
  #toggle(): void {
    this.#number = this.#number === 0 ? 1 : 0;
  }

  /** Sends `own` until the card has answered with the wanted kind of block of the current number. */
  async #exchange(own: Block, wanted: 'ack' | 'information', deadlineMs: number): Promise<Block> {
    let next = own;
    let patience: RadioWait['patience'] = 'answer';
    let failures = 0;
    let waits = 0;
    let mayBeSilentUntilMs = 0;
    for (;;) {
      const outcome = await this.#options.radio(this.#encode(next), { patience, deadlineMs });
      const answer = this.#read(outcome);
      if (answer?.kind === wanted && answer.number === this.#number) return answer;
      patience = 'answer';
      if (answer?.kind === 'wait') {
        // Rule 3.
        if (++waits > MAX_WAITS) throw new Pn532Failure('broken-rules', 'asks for time for ever');
        mayBeSilentUntilMs = this.#options.clock.monotonicMs() + this.#grant(answer.multiplier);
        next = answer;
        continue;
      }
      const isStillThinking =
        outcome.kind === 'silent' && this.#options.clock.monotonicMs() < mayBeSilentUntilMs;
      if (!isStillThinking && ++failures > MAX_FAILURES) throw toFailure(outcome);
      if (outcome.kind === 'silent' && !isStillThinking) patience = 'sign-of-life';
      next = this.#repair(own, answer);
    }
  }

  #repair(own: Block, answer: Block | undefined): Block {
    // Rule 5: while the card is chaining, our acknowledgement is repeated.
    if (own.kind === 'ack') return own;
    // Rule 6: the card has not had our block. Else rule 4: ask it to repeat its own.
    const isMissing = answer?.kind === 'ack' && answer.number !== this.#number;
    return isMissing ? own : { kind: 'nak', number: this.#number };
  }

  #read(outcome: RadioOutcome): Block | undefined {
    if (outcome.kind !== 'answer') return undefined;
    const { cid, readerFrameBytes } = this.#options;
    if (outcome.bytes.length > readerFrameBytes - CRC_BYTES) {
      throw new Pn532Failure('broken-rules', 'longer than announced');
    }
    return parseBlock(outcome.bytes, cid);
  }

  #grant(multiplier: number): number {
    return Math.min(this.#options.frameWaitMs * multiplier, LONGEST_FRAME_WAIT_MS);
  }

  #encode(block: Block): Uint8Array {
    return encodeBlock(block, this.#options.cid);
  }
}

const FAILURE_OF: Readonly<Record<RadioOutcome['kind'], FailureKind>> = {
  answer: 'broken-rules',
  silent: 'silent',
  garbled: 'garbled',
  lost: 'no-response',
};

function toFailure(outcome: RadioOutcome): Pn532Failure {
  return new Pn532Failure(FAILURE_OF[outcome.kind], 'several times');
}

function concatenate(parts: readonly Uint8Array[], lengthBytes: number): Uint8Array {
  const whole = new Uint8Array(lengthBytes);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
