/**
 * The far end of a bad cable: a chip that only knows RFConfiguration and InCommunicateThru, with a card in its field,
 * in virtual time. What happens to each message on the way is a list. Its frames are written out apart from the
 * driver's, so that no code judges itself.
 */

import type { VirtualClock } from '#ports/testing/virtual-clock.ts';
import type { LineEars, OpenLine } from '../serial-line.ts';
import type { ScriptedPicc } from './scripted-picc.ts';

/** To one message in either direction. Bytes count from the second: the first is padding. */
export type Mishap =
  | { readonly kind: 'none' | 'lost' | 'twice' | 'split' }
  | { readonly kind: 'byte-lost' | 'byte-changed'; readonly at: number; readonly by: number }
  | { readonly kind: 'noise'; readonly bytes: Uint8Array };

const ACK = [0x00, 0x00, 0xff, 0x00, 0xff, 0x00];
const NACK = [0x00, 0x00, 0xff, 0xff, 0x00, 0x00];
/** A line repeats nothing by itself; the chip does after a NACK that it was late for. */
const MESSAGES_FROM_HOST = 1;
const CHIP_MS = 1;
const RADIO_MS = 5;
const RADIO_TIMEOUT_MS: Readonly<Record<number, number>> = { 12: 204.8, 16: 3_276.8 };

export class ScriptedChip {
  readonly #time: VirtualClock;
  readonly #picc: ScriptedPicc;
  readonly #mishaps: Mishap[];
  #ears: LineEars | undefined;
  #last: number[] | undefined;
  #run = 0;
  #radioTimeoutMs = 51.2;

  constructor(time: VirtualClock, picc: ScriptedPicc, mishaps: readonly Mishap[]) {
    this.#time = time;
    this.#picc = picc;
    this.#mishaps = [...mishaps];
  }

  get open(): OpenLine {
    return async (_baudRate, ears) => {
      this.#ears = ears;
      return {
        send: (bytes) => {
          for (const each of this.#spoil([...bytes]).slice(0, MESSAGES_FROM_HOST)) this.#hear(each);
        },
        setBaudRate: async () => {},
        close: async () => {},
      };
    };
  }

  /** What is left of a message. */
  #spoil(bytes: number[]): number[][] {
    const mishap = this.#mishaps.shift() ?? { kind: 'none' };
    switch (mishap.kind) {
      case 'none':
        return [bytes];
      case 'lost':
        return [];
      case 'twice':
        return [bytes, bytes];
      case 'split':
        return [bytes.slice(0, 4), bytes.slice(4)];
      case 'noise':
        return [[...mishap.bytes, ...bytes]];
      default: {
        const at = 1 + (mishap.at % (bytes.length - 1));
        const changed = ((bytes[at] ?? 0) ^ mishap.by) & 0xff;
        return [bytes.toSpliced(at, 1, ...(mishap.kind === 'byte-lost' ? [] : [changed]))];
      }
    }
  }

  /** The chip takes whole frames only; this line never cuts one up on the way to it but for a mishap. */
  #hear(bytes: number[]): void {
    if (isSame(bytes, ACK)) {
      this.#run++;
      return;
    }
    if (isSame(bytes, NACK)) {
      if (this.#last) this.#say(this.#last, CHIP_MS);
      return;
    }
    const payload = unwrap(bytes);
    if (payload?.[0] !== 0xd4) return;
    this.#run++;
    this.#last = undefined;
    this.#say(ACK, CHIP_MS);
    if (payload[1] === 0x32) {
      this.#radioTimeoutMs = RADIO_TIMEOUT_MS[payload[4] ?? 0] ?? 51.2;
      this.#answer([0xd5, 0x33], 2 * CHIP_MS);
    } else this.#communicate(Uint8Array.from(payload.slice(2)));
  }

  #communicate(frame: Uint8Array): void {
    const heard = this.#picc.receive(frame);
    if (heard) this.#answer([0xd5, 0x43, 0x00, ...heard], RADIO_MS);
    else this.#answer([0xd5, 0x43, 0x01], this.#radioTimeoutMs);
  }

  #answer(payload: number[], ms: number): void {
    const run = this.#run;
    this.#time.after(ms, () => {
      if (run !== this.#run) return;
      this.#last = wrap(payload);
      this.#say(this.#last, 0);
    });
  }

  #say(bytes: number[], ms: number): void {
    this.#time.after(ms, () => {
      for (const each of this.#spoil(bytes)) this.#ears?.onBytes(Uint8Array.from(each));
    });
  }
}

const isSame = (one: readonly number[], other: readonly number[]): boolean =>
  one.length === other.length && one.every((byte, at) => byte === other[at]);
const total = (bytes: readonly number[]): number => bytes.reduce((sum, byte) => sum + byte, 0);

/** A frame around TFI, code and data. */
export function wrap(payload: readonly number[]): number[] {
  const { length } = payload;
  const header =
    length < 256
      ? [length, (256 - length) & 0xff]
      : [0xff, 0xff, length >> 8, length & 0xff, (512 - (length >> 8) - (length & 0xff)) & 0xff];
  return [0, 0, 0xff, ...header, ...payload, (256 - (total(payload) & 0xff)) & 0xff, 0];
}

/** Undefined for anything but one whole frame. */
export function unwrap(bytes: readonly number[]): number[] | undefined {
  const isExtended = bytes[3] === 0xff && bytes[4] === 0xff;
  const payload = isExtended ? bytes.slice(8, -2) : bytes.slice(5, -2);
  return payload.length > 0 && isSame(wrap(payload), bytes) ? payload : undefined;
}
