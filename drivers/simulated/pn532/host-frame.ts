/**
 * Frames between host and chip, from the chip's side.
 * @see PN532 User Manual UM0701-02 §6.2.1
 */
import { concat } from '../bytes.ts';

const HOST_TO_CHIP = 0xd4;
const CHIP_TO_HOST = 0xd5;
/** TFI and what follows it: 264 bytes of command and data is the most that the chip's buffer takes. */
export const MAX_FRAME_BYTES = 265;

export const ACK = Uint8Array.of(0x00, 0x00, 0xff, 0x00, 0xff, 0x00);
/** What the chip answers to a command that it does not have, or not in this form. */
export const SYNTAX_ERROR = Uint8Array.of(0x00, 0x00, 0xff, 0x01, 0xff, 0x7f, 0x81, 0x00);

export type HostFrame =
  | { readonly kind: 'command'; readonly code: number; readonly data: Uint8Array }
  | { readonly kind: 'ack' }
  | { readonly kind: 'nack' }
  /** A frame whose TFI is not that of a host, or without a command code. */
  | { readonly kind: 'foreign' };

function sum(bytes: Uint8Array): number {
  return bytes.reduce((total, byte) => (total + byte) & 0xff, 0);
}

/** A response; long ones travel in an extended frame. */
export function encodeResponse(command: number, data: Uint8Array): Uint8Array {
  const body = concat(Uint8Array.of(CHIP_TO_HOST, command + 1), data);
  const { length } = body;
  if (length > MAX_FRAME_BYTES) throw new RangeError('the response is longer than the chip can hold');
  const header =
    length < 0x100
      ? [length, -length & 0xff]
      : [0xff, 0xff, length >> 8, length & 0xff, -((length >> 8) + (length & 0xff)) & 0xff];
  return concat(Uint8Array.of(0x00, 0x00, 0xff, ...header), body, Uint8Array.of(-sum(body) & 0xff, 0x00));
}

/** What is known of a frame after its header: how many bytes of body and checksum follow. */
interface Header {
  readonly headerBytes: number;
  readonly bodyBytes: number;
}

/**
 * Finds frames in bytes that come one at a time. Everything outside a frame, and every frame with a wrong checksum, is
 * passed over in silence: the host then misses its ACK. A start code inside a damaged frame counts as one.
 */
export class HostFrameDecoder {
  /** From the start code on; empty while looking for it. */
  #held: number[] = [];
  #previous = 0xff;

  /** The frames that this byte completes: one, or more when it proves that what came before was damaged. */
  push(byte: number): HostFrame[] {
    if (this.#held.length === 0) {
      const isStart = this.#previous === 0x00 && byte === 0xff;
      this.#previous = byte;
      if (isStart) this.#held.push(0x00, 0xff);
      return [];
    }
    this.#held.push(byte);
    const frame = this.#judge();
    if (frame === 'incomplete') return [];
    const after = frame === 'damaged' ? this.#held.slice(2) : [];
    this.reset();
    return frame === 'damaged' ? after.flatMap((again) => this.push(again)) : [frame];
  }

  reset(): void {
    this.#held = [];
    this.#previous = 0xff;
  }

  #judge(): HostFrame | 'incomplete' | 'damaged' {
    if (this.#held.length < 4) return 'incomplete';
    const [, , length = 0, check = 0] = this.#held;
    if (length === 0x00 && check === 0xff) return { kind: 'ack' };
    if (length === 0xff && check === 0x00) return { kind: 'nack' };
    const header = this.#header(length, check);
    if (header === 'incomplete' || header === 'damaged') return header;
    const { headerBytes, bodyBytes } = header;
    if (this.#held.length < headerBytes + bodyBytes + 1) return 'incomplete';
    const body = Uint8Array.from(this.#held.slice(headerBytes, headerBytes + bodyBytes));
    if (((sum(body) + (this.#held.at(-1) ?? 0)) & 0xff) !== 0) return 'damaged';
    const [tfi, code] = body;
    if (tfi !== HOST_TO_CHIP || code === undefined) return { kind: 'foreign' };
    return { kind: 'command', code, data: body.slice(2) };
  }

  #header(length: number, check: number): Header | 'incomplete' | 'damaged' {
    if (length !== 0xff || check !== 0xff) {
      const isSound = ((length + check) & 0xff) === 0 && length > 0;
      return isSound ? { headerBytes: 4, bodyBytes: length } : 'damaged';
    }
    if (this.#held.length < 7) return 'incomplete';
    const [high = 0, low = 0, complement = 0] = this.#held.slice(4, 7);
    const bodyBytes = high * 256 + low;
    const isSound = ((high + low + complement) & 0xff) === 0 && bodyBytes > 0 && bodyBytes <= MAX_FRAME_BYTES;
    return isSound ? { headerBytes: 7, bodyBytes } : 'damaged';
  }
}
