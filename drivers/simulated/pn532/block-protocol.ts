/**
 * The card's half of the block protocol: what an activated card does with each block.
 * @see ISO 14443-4:2018 §7 (blocks), §7.5.5 (rules for the PICC)
 */
import { concat } from '../bytes.ts';
import type { CardReply, CardWork } from './card-work.ts';
import type { ChipFaults } from './faults.ts';

/** What both sides agreed on when the card was activated. */
export interface Agreement {
  /** Undefined when the card was given none and therefore takes part under 0. */
  readonly cid: number | undefined;
  /** The longest frames, checksum included: of the reader, and of the card. */
  readonly fsdBytes: number;
  readonly fscBytes: number;
  readonly fwtMs: number;
}

/** FSDI and FSCI. @see ISO 14443-4 §5.1 */
const FRAME_BYTES = [16, 24, 32, 40, 48, 64, 96, 128, 256] as const;

export function frameBytesOf(code: number): number {
  return FRAME_BYTES[Math.min(code, FRAME_BYTES.length - 1)] ?? 256;
}

/** FWT = 256 × 16 / fc × 2^FWI. @see ISO 14443-4 §7.2 */
export function waitingTimeMs(fwi: number): number {
  return (4_096 / 13_560) * 2 ** fwi;
}

export const MAX_WAITING_TIME_MS = 4_949;
const MAX_WTXM = 59;
/** A card asks for more time when this part of its waiting time is over. */
const WTX_PART = 0.9;
const CRC_BYTES = 2;
const STORM_REQUESTS = 100;

/** One command that the card ran to its end. */
export interface CompletedApdu {
  readonly ins: number;
  readonly label: string;
  readonly commandBytes: number;
  readonly answerBytes: number;
}

export interface BlockAnswer {
  /** Without checksum. */
  readonly block: Uint8Array;
  /** When the card starts to send it. */
  readonly atMs: number;
  /** The answer of this command is complete with this block. */
  readonly completed?: CompletedApdu;
}

/** Asleep after DESELECT, gone, or there and silent for ever. */
export type ProtocolEnd = 'deselected' | 'removed' | 'mute';

export class BlockProtocol {
  readonly #agreement: Agreement;
  readonly #work: CardWork;
  readonly #faults: ChipFaults;
  /** @see §7.5.4.2: a card starts with 1, and toggles before it answers a new block. */
  #blockNumber = 1;
  #command: Uint8Array[] = [];
  /** What has not been sent of the answer. */
  #rest: Uint8Array = new Uint8Array();
  #apdu: CompletedApdu | undefined;
  #last: BlockAnswer | undefined;
  #readyAtMs = 0;
  #windowMs = 0;
  /** The card has asked for more time and waits for the reader's consent. */
  #wtxm: number | undefined;
  #stormLeft = 0;
  end: ProtocolEnd | undefined;

  constructor(agreement: Agreement, work: CardWork, faults: ChipFaults) {
    this.#agreement = agreement;
    this.#work = work;
    this.#faults = faults;
  }

  /** Undefined: the card says nothing, because the block is not for it, or makes no sense. */
  async hear(block: Uint8Array, atMs: number): Promise<BlockAnswer | undefined> {
    if (this.end !== undefined || block.length + CRC_BYTES > this.#agreement.fscBytes) return undefined;
    const [pcb = 0] = block;
    const hasCid = (pcb & 0x08) !== 0;
    if (hasCid ? !this.#isMine(block[1]) : (this.#agreement.cid ?? 0) !== 0) return undefined;
    const information = block.slice(hasCid ? 2 : 1);
    if ((pcb & 0xe2) === 0x02) return this.#information(pcb, hasCid, information, atMs);
    if ((pcb & 0xe6) === 0xa2) return this.#ready(pcb, hasCid, atMs);
    if ((pcb & 0xf7) === 0xc2) return this.#deselect(hasCid, atMs);
    if ((pcb & 0xf7) === 0xf2) return this.#timeExtended(hasCid, information, atMs);
    return undefined;
  }

  #isMine(cidByte: number | undefined): boolean {
    return (
      this.#agreement.cid !== undefined && cidByte !== undefined && (cidByte & 0x0f) === this.#agreement.cid
    );
  }

  async #information(
    pcb: number,
    hasCid: boolean,
    information: Uint8Array,
    atMs: number,
  ): Promise<BlockAnswer | undefined> {
    // A block with a node address: no Japanese card takes one. A new block while we wait for time: not allowed.
    if ((pcb & 0x04) !== 0 || this.#wtxm !== undefined) return undefined;
    this.#blockNumber ^= 1;
    this.#command.push(information);
    if ((pcb & 0x10) !== 0) return this.#send(this.#header(0xa2 | this.#blockNumber, hasCid), atMs);
    const command = concat(...this.#command);
    this.#command = [];
    if (command.length === 0) {
      // An empty block asks for nothing but an answer. @see §7.5.6.1
      this.#rest = new Uint8Array();
      return this.#sendRest(hasCid, atMs);
    }
    return this.#run(command, hasCid, atMs);
  }

  async #run(command: Uint8Array, hasCid: boolean, atMs: number): Promise<BlockAnswer | undefined> {
    const reply: CardReply = await this.#work.answer(command);
    if (reply.kind !== 'answer') {
      this.end = reply.kind;
      return undefined;
    }
    const { bytes, ms, label } = reply;
    this.#rest = bytes;
    this.#apdu = {
      ins: command[1] ?? 0,
      label,
      commandBytes: command.length,
      answerBytes: bytes.length,
    };
    this.#readyAtMs = atMs + ms;
    this.#windowMs = this.#agreement.fwtMs;
    const storm = this.#faults.strike('wtx-storm');
    this.#stormLeft = storm === undefined ? 0 : (storm.value ?? STORM_REQUESTS);
    return this.#answerOrAskForTime(hasCid, atMs);
  }

  /** @see §7.5.3: S(WTX) instead of a block that is not ready. */
  #answerOrAskForTime(hasCid: boolean, atMs: number): BlockAnswer {
    const leftMs = this.#readyAtMs - atMs;
    const isStorm = this.#stormLeft > 0;
    if (!isStorm && leftMs <= this.#windowMs * WTX_PART) {
      return this.#sendRest(hasCid, Math.max(atMs, this.#readyAtMs));
    }
    if (isStorm) this.#stormLeft -= 1;
    const delayMs = isStorm ? 0 : this.#windowMs * WTX_PART;
    const needed = Math.ceil((leftMs - delayMs) / this.#agreement.fwtMs / WTX_PART);
    const allowed = Math.max(1, Math.min(MAX_WTXM, Math.floor(MAX_WAITING_TIME_MS / this.#agreement.fwtMs)));
    this.#wtxm = Math.min(Math.max(1, needed), allowed);
    return this.#send(concat(this.#header(0xf2, hasCid), Uint8Array.of(this.#wtxm)), atMs + delayMs);
  }

  #timeExtended(hasCid: boolean, information: Uint8Array, atMs: number): BlockAnswer | undefined {
    const wtxm = this.#wtxm;
    const [granted = 0] = information;
    if (wtxm === undefined || information.length !== 1 || (granted & 0x3f) !== wtxm) return undefined;
    this.#wtxm = undefined;
    this.#windowMs = Math.min(this.#agreement.fwtMs * wtxm, MAX_WAITING_TIME_MS);
    return this.#answerOrAskForTime(hasCid, atMs);
  }

  /** R(ACK) and R(NAK). @see §7.5.5.3, rules 11 to 13 */
  #ready(pcb: number, hasCid: boolean, atMs: number): BlockAnswer | undefined {
    const isNak = (pcb & 0x10) !== 0;
    if ((pcb & 1) === this.#blockNumber) {
      return this.#last && { ...this.#last, atMs: Math.max(atMs, this.#last.atMs) };
    }
    if (isNak) return { block: this.#header(0xa2 | this.#blockNumber, hasCid), atMs };
    if (this.#rest.length === 0 || this.#wtxm !== undefined) return undefined;
    this.#blockNumber ^= 1;
    return this.#sendRest(hasCid, atMs);
  }

  #deselect(hasCid: boolean, atMs: number): BlockAnswer {
    this.end = 'deselected';
    return this.#send(this.#header(0xc2, hasCid), atMs);
  }

  #sendRest(hasCid: boolean, atMs: number): BlockAnswer {
    const roomBytes = this.#agreement.fsdBytes - CRC_BYTES - (hasCid ? 2 : 1);
    const part = this.#rest.slice(0, roomBytes);
    this.#rest = this.#rest.slice(roomBytes);
    const isChained = this.#rest.length > 0;
    const block = concat(this.#header((isChained ? 0x12 : 0x02) | this.#blockNumber, hasCid), part);
    const completed = isChained ? undefined : this.#apdu;
    if (!isChained) this.#apdu = undefined;
    this.#last = { block, atMs, ...(completed && { completed }) };
    return this.#last;
  }

  #header(pcb: number, hasCid: boolean): Uint8Array {
    return hasCid ? Uint8Array.of(pcb | 0x08, this.#agreement.cid ?? 0) : Uint8Array.of(pcb);
  }

  /** Remembers the block, for a reader that did not hear it. */
  #send(block: Uint8Array, atMs: number): BlockAnswer {
    this.#last = { block, atMs };
    return this.#last;
  }
}
