/**
 * A card that the chip has activated: the firmware's own half of the block protocol, behind InDataExchange.
 * @see ISO 14443-4 §7.5.4 (rules for the PCD), UM0701-02 §7.3.8
 */
import { concat } from '../bytes.ts';
import { type CompletedApdu, MAX_WAITING_TIME_MS } from './block-protocol.ts';
import { type RadioType, withCrc, withoutCrc } from './crc.ts';
import type { Heard, RadioField } from './field.ts';
import { STATUS } from './status.ts';

export interface TargetOptions {
  readonly number: number;
  readonly type: RadioType;
  /** Undefined: blocks carry none. */
  readonly cid: number | undefined;
  readonly fscBytes: number;
  readonly fwtMs: number;
  /** As InListPassiveTarget reports it, target number included. */
  readonly report: Uint8Array;
  /** False for a card of type A that was not asked for its ATS. */
  readonly speaksBlocks: boolean;
}

export interface Exchanged {
  readonly status: number;
  readonly data: Uint8Array;
  readonly endMs: number;
  readonly completed?: CompletedApdu | undefined;
}

/** What the chip can hand to the host at once. */
const MAX_DATA_BYTES = 262;
/** The firmware asks again this often before it gives a card up. */
const MAX_REPEATS = 2;
/** A card may be this late: delays of the air that FWT does not cover. */
const MARGIN_MS = 1;

type Received =
  | {
      readonly kind: 'block';
      readonly block: Uint8Array;
      readonly endMs: number;
      readonly completed?: CompletedApdu;
    }
  | { readonly kind: 'failed'; readonly status: number; readonly endMs: number };

export class Target {
  readonly options: TargetOptions;
  readonly #field: RadioField;
  #blockNumber = 0;
  /** Part of a chained answer that did not fit into the last response to the host. */
  #held: Uint8Array | undefined;
  #hasMore = false;

  constructor(field: RadioField, options: TargetOptions) {
    this.#field = field;
    this.options = options;
  }

  /** The host's 40 Tg data; without data it fetches the rest of a long answer. */
  async exchange(data: Uint8Array, atMs: number): Promise<Exchanged> {
    if (this.#held !== undefined || this.#hasMore) return this.#fetchMore(atMs);
    let at = atMs;
    const roomBytes = this.options.fscBytes - 2 - this.#headerBytes;
    let rest = data;
    for (;;) {
      const part = rest.slice(0, roomBytes);
      rest = rest.slice(roomBytes);
      const isChained = rest.length > 0;
      const sent = concat(this.#header((isChained ? 0x12 : 0x02) | this.#blockNumber), part);
      const answer = await this.#ask(sent, at);
      if (answer.kind === 'failed') return failed(answer);
      at = answer.endMs;
      if (!isChained) return this.#collect(answer, new Uint8Array());
      if (!this.#acknowledges(answer.block))
        return { status: STATUS.protocol, data: new Uint8Array(), endMs: at };
      this.#blockNumber ^= 1;
    }
  }

  /** R(NAK): any answer means that the card is there. */
  async isPresent(atMs: number): Promise<{ readonly status: number; readonly endMs: number }> {
    const answer = await this.#once(this.#header(0xb2 | this.#blockNumber), atMs, this.options.fwtMs);
    return { status: answer.kind === 'failed' ? answer.status : STATUS.ok, endMs: answer.endMs };
  }

  async deselect(atMs: number): Promise<number> {
    if (!this.options.speaksBlocks) return atMs;
    const answer = await this.#once(this.#header(0xc2), atMs, this.options.fwtMs);
    return answer.endMs;
  }

  get #headerBytes(): number {
    return this.options.cid === undefined ? 1 : 2;
  }

  #header(pcb: number): Uint8Array {
    const { cid } = this.options;
    return cid === undefined ? Uint8Array.of(pcb) : Uint8Array.of(pcb | 0x08, cid);
  }

  #acknowledges(block: Uint8Array): boolean {
    const [pcb = 0] = block;
    return (pcb & 0xf6) === 0xa2 && (pcb & 1) === this.#blockNumber;
  }

  async #fetchMore(atMs: number): Promise<Exchanged> {
    const held = this.#held ?? new Uint8Array();
    this.#held = undefined;
    if (!this.#hasMore) return { status: STATUS.ok, data: held, endMs: atMs };
    this.#hasMore = false;
    const answer = await this.#ask(this.#header(0xa2 | this.#blockNumber), atMs);
    return answer.kind === 'failed' ? failed(answer) : this.#collect(answer, held);
  }

  /** Gathers a chained answer until it is complete, or more than the chip can hand over. */
  async #collect(first: Extract<Received, { kind: 'block' }>, before: Uint8Array): Promise<Exchanged> {
    let collected = before;
    let { block, endMs, completed } = first;
    for (;;) {
      const [pcb = 0] = block;
      if ((pcb & 0xe6) !== 0x02 || (pcb & 1) !== this.#blockNumber) {
        return { status: STATUS.protocol, data: new Uint8Array(), endMs };
      }
      this.#blockNumber ^= 1;
      const isChained = (pcb & 0x10) !== 0;
      const part = block.slice(this.#headerBytes);
      if (collected.length + part.length > MAX_DATA_BYTES) {
        this.#held = part;
        this.#hasMore = isChained;
        return { status: STATUS.ok | STATUS.moreInformation, data: collected, endMs, completed };
      }
      collected = concat(collected, part);
      if (!isChained) return { status: STATUS.ok, data: collected, endMs, completed };
      const next = await this.#ask(this.#header(0xa2 | this.#blockNumber), endMs);
      if (next.kind === 'failed') return failed(next);
      ({ block, endMs, completed } = next);
    }
  }

  /** Sends a block until something useful comes back; grants more time as often as the card asks. */
  async #ask(block: Uint8Array, atMs: number): Promise<Received> {
    const isAcknowledgement = ((block[0] ?? 0) & 0xf6) === 0xa2;
    const again = isAcknowledgement ? block : this.#header(0xb2 | this.#blockNumber);
    let answer = await this.#once(block, atMs, this.options.fwtMs);
    for (let repeats = 0; ; ) {
      const wtxm = answer.kind === 'block' ? this.#requestedTime(answer.block) : undefined;
      if (wtxm !== undefined) {
        const windowMs = Math.min(this.options.fwtMs * wtxm, MAX_WAITING_TIME_MS);
        const granted = concat(this.#header(0xf2), Uint8Array.of(wtxm));
        answer = await this.#once(granted, answer.endMs, windowMs);
      } else if (answer.kind === 'block' && this.#isLost(block, answer.block)) {
        // The card acknowledged the block before: it never heard this one.
        answer = await this.#once(block, answer.endMs, this.options.fwtMs);
        repeats += 1;
      } else if (answer.kind === 'failed' && repeats < MAX_REPEATS) {
        answer = await this.#once(again, answer.endMs, this.options.fwtMs);
        repeats += 1;
      } else return answer;
      if (repeats > MAX_REPEATS) return { kind: 'failed', status: STATUS.protocol, endMs: answer.endMs };
    }
  }

  #requestedTime(block: Uint8Array): number | undefined {
    const [pcb = 0] = block;
    const wtxm = (block[this.#headerBytes] ?? 0) & 0x3f;
    return (pcb & 0xf7) === 0xf2 && wtxm > 0 && wtxm < 60 ? wtxm : undefined;
  }

  #isLost(sent: Uint8Array, answer: Uint8Array): boolean {
    const [pcb = 0] = answer;
    const sentInformation = ((sent[0] ?? 0) & 0xe2) === 0x02;
    return sentInformation && (pcb & 0xf6) === 0xa2 && (pcb & 1) !== this.#blockNumber;
  }

  async #once(block: Uint8Array, atMs: number, timeoutMs: number): Promise<Received> {
    const { type } = this.options;
    const frame = { type, bytes: withCrc(type, block) };
    const heard: Heard = await this.#field.transmit(frame, atMs, timeoutMs + MARGIN_MS);
    const { endMs } = heard;
    if (heard.kind === 'silence') return { kind: 'failed', status: STATUS.timeout, endMs };
    const answer = heard.kind === 'frame' ? withoutCrc(type, heard.bytes) : undefined;
    if (answer === undefined || heard.kind !== 'frame') return { kind: 'failed', status: STATUS.crc, endMs };
    if (heard.bytes.length > FSD_BYTES) return { kind: 'failed', status: STATUS.bufferOverflow, endMs };
    if (this.options.cid !== undefined && (answer[1] ?? 0) % 16 !== this.options.cid) {
      return { kind: 'failed', status: STATUS.protocol, endMs };
    }
    return { kind: 'block', block: answer, endMs, ...(heard.completed && { completed: heard.completed }) };
  }
}

/** What the firmware tells cards that it can take: FSDI 5. */
export const FSDI = 5;
const FSD_BYTES = 64;

function failed({ status, endMs }: Extract<Received, { kind: 'failed' }>): Exchanged {
  return { status, data: new Uint8Array(), endMs };
}
