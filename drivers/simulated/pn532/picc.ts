/** A card in the field, before and after its activation: what both radio types have in common. */
import type { Random } from '#ports/random.ts';
import { concat } from '../bytes.ts';
import type { Agreement } from './block-protocol.ts';
import { BlockProtocol, type CompletedApdu } from './block-protocol.ts';
import type { CardWork, ContactlessCard } from './card-work.ts';
import { type RadioType, withCrc, withoutCrc } from './crc.ts';
import type { ChipFaults } from './faults.ts';

/** A frame as it is on the air, checksum included where it has one. */
export interface AirFrame {
  readonly type: RadioType;
  readonly bytes: Uint8Array;
  /** Bits of the last byte: 7 in a short frame of type A. Default: 8. */
  readonly lastBits?: number;
}

export interface AirAnswer {
  readonly bytes: Uint8Array;
  readonly atMs: number;
  /** A block of an activated card, in contrast to the frames that lead there. */
  readonly isBlock?: boolean;
  readonly completed?: CompletedApdu;
}

export interface PiccOptions {
  readonly work: CardWork;
  readonly random: Random;
  readonly faults: ChipFaults;
}

export abstract class Picc {
  abstract readonly type: RadioType;
  protected readonly random: Random;
  readonly #work: CardWork;
  readonly #faults: ChipFaults;
  #protocol: BlockProtocol | undefined;
  #hasLeft = false;

  constructor({ work, random, faults }: PiccOptions) {
    this.#work = work;
    this.random = random;
    this.#faults = faults;
  }

  get card(): ContactlessCard {
    return this.#work.card;
  }

  /** A behaviour took the card away while it was asked something. */
  get hasLeft(): boolean {
    return this.#hasLeft;
  }

  powerOn(): void {
    this.#protocol = undefined;
    this.card.powerOn();
    this.wake();
  }

  powerOff(): void {
    this.#protocol = undefined;
    this.card.powerOff();
  }

  async hear(frame: AirFrame, atMs: number): Promise<AirAnswer | undefined> {
    if (frame.type !== this.type) return undefined;
    const sound = (frame.lastBits ?? 8) === 8 ? withoutCrc(this.type, frame.bytes) : undefined;
    if (this.#protocol !== undefined) return sound && this.#hearBlock(this.#protocol, sound, atMs);
    const answer = this.hearCall(frame, sound);
    return answer && { bytes: answer, atMs };
  }

  /** Into the state of a card that has just got power. */
  protected abstract wake(): void;
  /** Back to sleep after DESELECT. */
  protected abstract halt(): void;
  /** Before activation: the frame on the air, and without its checksum if that is right. */
  protected abstract hearCall(frame: AirFrame, sound: Uint8Array | undefined): Uint8Array | undefined;

  protected activate(agreement: Agreement): void {
    this.#protocol = new BlockProtocol(agreement, this.#work, this.#faults);
  }

  protected checked(...parts: readonly Uint8Array[]): Uint8Array {
    return withCrc(this.type, concat(...parts));
  }

  async #hearBlock(protocol: BlockProtocol, block: Uint8Array, atMs: number): Promise<AirAnswer | undefined> {
    const answer = await protocol.hear(block, atMs);
    if (protocol.end === 'removed') this.#hasLeft = true;
    if (protocol.end === 'deselected') {
      this.#protocol = undefined;
      this.halt();
    }
    if (answer === undefined) return undefined;
    const { completed } = answer;
    const bytes = this.checked(answer.block);
    return { bytes, atMs: answer.atMs, isBlock: true, ...(completed && { completed }) };
  }
}
