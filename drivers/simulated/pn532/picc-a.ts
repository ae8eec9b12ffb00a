/** Type A before the block protocol: REQA, anticollision, SELECT, RATS. @see ISO 14443-3 §6, ISO 14443-4 §5 */
import { concat, equal, fromHex } from '../bytes.ts';
import { frameBytesOf, waitingTimeMs } from './block-protocol.ts';
import { type AirFrame, Picc } from './picc.ts';

const SHORT = { request: 0x26, wakeUp: 0x52 } as const;
const SELECT_LEVEL_1 = 0x93;
const WHOLE_UID = 0x70;
const RATS = 0xe0;
const HALT = Uint8Array.of(0x50, 0x00);
/** A UID of four bytes that starts with 08 is drawn anew for each stay in a field, as phones do. */
const RANDOM_UID = 0x08;
const DEFAULT_FWI = 4;
const DEFAULT_FSCI = 2;

interface Ats {
  readonly fsci: number;
  readonly fwi: number;
  readonly takesCid: boolean;
}

/** TL T0 [TA] [TB] [TC] …: T0 tells which of them are there. @see ISO 14443-4 §5.2 */
export function readAts(ats: Uint8Array): Ats {
  const [length = 0, format = 0] = ats;
  if (length < 2) return { fsci: DEFAULT_FSCI, fwi: DEFAULT_FWI, takesCid: false };
  let at = 2;
  const next = (flag: number): number | undefined => ((format & flag) === 0 ? undefined : ats[at++]);
  next(0x10);
  const time = next(0x20);
  const options = next(0x40);
  return {
    fsci: format & 0x0f,
    fwi: time === undefined ? DEFAULT_FWI : time >> 4,
    takesCid: options === undefined || (options & 0x02) !== 0,
  };
}

export class PiccA extends Picc {
  readonly type = 'A';
  #state: 'idle' | 'ready' | 'selected' | 'asleep' = 'idle';
  /** UID and its check byte. */
  #uid: Uint8Array = new Uint8Array(5);

  protected wake(): void {
    this.#state = 'idle';
    const uid = concat(Uint8Array.of(RANDOM_UID), this.random.bytes(3));
    this.#uid = concat(uid, Uint8Array.of(uid.reduce((xor, byte) => xor ^ byte, 0)));
  }

  protected halt(): void {
    this.#state = 'asleep';
  }

  get #link(): { readonly atqa: string; readonly sak: string; readonly ats: string } {
    const { link } = this.card;
    if (link.type !== 'A') throw new RangeError('not a card of type A');
    return link;
  }

  protected hearCall(frame: AirFrame, sound: Uint8Array | undefined): Uint8Array | undefined {
    const { bytes, lastBits = 8 } = frame;
    const [first] = bytes;
    if (lastBits === 7 && bytes.length === 1) return this.#call(first);
    if (this.#state === 'ready' && first === SELECT_LEVEL_1) return this.#anticollision(bytes, sound);
    if (this.#state === 'selected' && sound?.[0] === RATS && sound.length === 2) return this.#rats(sound);
    if (sound !== undefined && equal(sound, HALT) && this.#state === 'selected') this.halt();
    // Anything else sends a card that was called back to where it waits for a call.
    else if (this.#state !== 'asleep') this.#state = 'idle';
    return undefined;
  }

  #call(command: number | undefined): Uint8Array | undefined {
    if (command !== SHORT.request && command !== SHORT.wakeUp) return undefined;
    if (this.#state === 'ready' || this.#state === 'selected') {
      this.#state = 'idle';
      return undefined;
    }
    if (this.#state === 'asleep' && command === SHORT.request) return undefined;
    this.#state = 'ready';
    // The low byte goes first.
    return fromHex(this.#link.atqa).reverse();
  }

  /**
   * NVB tells how many bits of the UID the reader knows already. A card that has the same bits sends the others; here
   * it sends all, and the field compares only what is new.
   */
  #anticollision(bytes: Uint8Array, sound: Uint8Array | undefined): Uint8Array | undefined {
    const [, valid = 0] = bytes;
    if (valid === WHOLE_UID) {
      if (sound === undefined || !equal(sound.slice(2, 7), this.#uid)) {
        this.#state = 'idle';
        return undefined;
      }
      this.#state = 'selected';
      return this.checked(fromHex(this.#link.sak));
    }
    const knownBits = (valid >> 4) * 8 + (valid & 0x07) - 16;
    for (let bit = 0; bit < knownBits; bit += 1) {
      const [mine, theirs] = [this.#uid[bit >> 3] ?? 0, bytes[2 + (bit >> 3)] ?? 0];
      if ((((mine ^ theirs) >> (bit & 7)) & 1) !== 0) {
        this.#state = 'idle';
        return undefined;
      }
    }
    return this.#uid;
  }

  #rats(sound: Uint8Array): Uint8Array {
    const [, parameter = 0] = sound;
    const ats = fromHex(this.#link.ats);
    const { fsci, fwi, takesCid } = readAts(ats);
    this.activate({
      cid: takesCid ? parameter & 0x0f : undefined,
      fsdBytes: frameBytesOf(parameter >> 4),
      fscBytes: frameBytesOf(fsci),
      fwtMs: waitingTimeMs(fwi),
    });
    return this.checked(ats);
  }
}
