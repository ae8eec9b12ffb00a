/** Type B before the block protocol: REQB, slots, ATTRIB, HLTB. @see ISO 14443-3 §7 */
import { equal } from '../bytes.ts';
import { frameBytesOf, waitingTimeMs } from './block-protocol.ts';
import { type AirFrame, Picc } from './picc.ts';

const COMMAND = { request: 0x05, attrib: 0x1d, halt: 0x50 } as const;
/** In PARAM of REQB: it is meant for sleeping cards too. */
const WAKE_UP = 0x08;

export class PiccB extends Picc {
  readonly type = 'B';
  #state: 'idle' | 'called' | 'asleep' = 'idle';
  /** The slot that the card drew, of as many as the reader offered; 0 is none. */
  #slot = 0;

  protected wake(): void {
    this.#state = 'idle';
    this.#slot = 0;
  }

  protected halt(): void {
    this.#state = 'asleep';
  }

  protected hearCall(_frame: AirFrame, sound: Uint8Array | undefined): Uint8Array | undefined {
    const [first = 0] = sound ?? [];
    if (sound === undefined) return undefined;
    if (first === COMMAND.request && sound.length === 3) return this.#request(sound);
    if ((first & 0x0f) === COMMAND.request && sound.length === 1) return this.#slotMarker(first >> 4);
    if (this.#state !== 'called') return undefined;
    if (first === COMMAND.attrib && sound.length >= 9) return this.#attrib(sound);
    if (first === COMMAND.halt && sound.length === 5 && this.#isMine(sound)) {
      this.halt();
      return this.checked(Uint8Array.of(0x00));
    }
    return undefined;
  }

  get #atqb(): Uint8Array {
    const { atqb } = this.card;
    if (atqb === undefined) throw new RangeError('not a card of type B');
    return atqb;
  }

  #request(frame: Uint8Array): Uint8Array | undefined {
    const [, family = 0, parameter = 0] = frame;
    // Japanese cards code their application data their own way: they answer to a call of all families only.
    if (family !== 0x00) return undefined;
    if (this.#state === 'asleep' && (parameter & WAKE_UP) === 0) return undefined;
    const slots = 2 ** Math.min(parameter & 0x07, 4);
    const [drawn = 0] = this.random.bytes(1);
    this.#slot = (drawn % slots) + 1;
    return this.#answerIn(1);
  }

  /** APn 05: n is the slot less one. */
  #slotMarker(number: number): Uint8Array | undefined {
    return this.#slot === 0 ? undefined : this.#answerIn(number + 1);
  }

  #answerIn(slot: number): Uint8Array | undefined {
    if (this.#slot !== slot) return undefined;
    this.#state = 'called';
    return this.checked(this.#atqb);
  }

  #isMine(frame: Uint8Array): boolean {
    return equal(frame.slice(1, 5), this.#atqb.slice(1, 5));
  }

  /** @see §7.10: Param 2 has the reader's frame size, Param 4 the number that the card gets. */
  #attrib(frame: Uint8Array): Uint8Array | undefined {
    if (!this.#isMine(frame)) return undefined;
    const [, , , , , , rateAndSize = 0, protocolType = 0, cid = 0] = frame;
    const [rates = 0, sizeAndType = 0, timeAndOptions = 0] = this.#atqb.slice(9);
    if ((protocolType & 1) === 0 || (rateAndSize & 0xf0 & ~(rates | (rates << 4))) !== 0) return undefined;
    const takesNumber = (timeAndOptions & 1) !== 0;
    if ((cid & 0x0f) !== 0 && !takesNumber) return undefined;
    this.activate({
      cid: takesNumber ? cid & 0x0f : undefined,
      fsdBytes: frameBytesOf(rateAndSize & 0x0f),
      fscBytes: frameBytesOf(sizeAndType >> 4),
      fwtMs: waitingTimeMs(timeAndOptions >> 4),
    });
    return this.checked(Uint8Array.of(takesNumber ? cid & 0x0f : 0));
  }
}
