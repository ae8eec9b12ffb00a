/**
 * Finds frames in whatever a serial line delivers: any chunks, noise before, between and inside frames.
 *
 * What is not a frame is reported, not dropped in silence. The outcome depends on the bytes alone, never on how they
 * were cut into chunks. Zeros between frames are padding (pre- and postambles of any length are legal), not noise.
 */
import { LONGEST_PAYLOAD_BYTES, sum } from './frame.ts';

/** Why bytes were thrown away. All but noise began like a frame. */
export type DiscardReason = 'noise' | 'length' | 'checksum' | 'postamble' | 'truncated';

export type Incoming =
  | { readonly kind: 'ack' | 'nack' }
  /** The chip did not understand the last frame at application level. */
  | { readonly kind: 'syntax-error' }
  /** TFI first. */
  | { readonly kind: 'frame'; readonly payload: Uint8Array }
  | { readonly kind: 'discarded'; readonly reason: DiscardReason; readonly bytes: Uint8Array };

type Candidate =
  | { readonly state: 'incomplete' }
  | { readonly state: 'broken'; readonly reason: DiscardReason }
  | { readonly state: 'whole'; readonly incoming: Incoming; readonly lengthBytes: number };

/** Noise is reported in pieces of this size, so that an endless stream of it takes no memory. */
const NOISE_PIECE_BYTES = 512;
/** 00 FF */
const START_CODE_BYTES = 2;
const NORMAL_HEADER_BYTES = 4;
const EXTENDED_HEADER_BYTES = 7;
/** DCS and postamble. */
const TRAILER_BYTES = 2;
/** A payload of this one byte is the error frame. @see UM0701-02 §6.2.1.5 */
const SYNTAX_ERROR = 0x7f;

export class FrameDecoder {
  #pending = new Uint8Array(0);
  #isMidFrame = false;

  /** True after the beginning of a frame whose end has not come yet. */
  get isMidFrame(): boolean {
    return this.#isMidFrame;
  }

  push(chunk: Uint8Array): Incoming[] {
    const pending = new Uint8Array(this.#pending.length + chunk.length);
    pending.set(this.#pending);
    pending.set(chunk, this.#pending.length);
    this.#pending = pending;
    return this.#scan(false);
  }

  /** Waits no longer for the rest of a frame; a whole frame hidden behind a false beginning still comes out. */
  flush(): Incoming[] {
    return this.#scan(true);
  }

  #scan(isFinal: boolean): Incoming[] {
    const bytes = this.#pending;
    const found: Incoming[] = [];
    let at = 0;
    this.#isMidFrame = false;
    for (;;) {
      at = skipPadding(bytes, at);
      const limit = at + NOISE_PIECE_BYTES;
      const start = findStartCode(bytes, at, limit);
      if (start === undefined) {
        if (bytes.length > limit) pushNoise(found, bytes.subarray(at, limit));
        else if (isFinal) pushNoise(found, bytes.subarray(at));
        else break;
        at = Math.min(limit, bytes.length);
        if (at === bytes.length) break;
        continue;
      }
      pushNoise(found, bytes.subarray(at, start));
      at = start;
      const candidate = readCandidate(bytes.subarray(start));
      if (candidate.state === 'whole') {
        found.push(candidate.incoming);
        at += candidate.lengthBytes;
      } else if (candidate.state === 'broken' || isFinal) {
        const reason = candidate.state === 'broken' ? candidate.reason : 'truncated';
        found.push({ kind: 'discarded', reason, bytes: bytes.slice(at, at + START_CODE_BYTES) });
        at += START_CODE_BYTES;
      } else {
        this.#isMidFrame = true;
        break;
      }
    }
    this.#pending = bytes.slice(at);
    return found;
  }
}

/** The last zero stays: it may begin a start code. */
function skipPadding(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at + 1 < bytes.length && bytes[at] === 0 && bytes[at + 1] === 0) at++;
  return at;
}

function findStartCode(bytes: Uint8Array, from: number, limit: number): number | undefined {
  const end = Math.min(limit, bytes.length - 1);
  for (let at = from; at < end; at++) if (bytes[at] === 0x00 && bytes[at + 1] === 0xff) return at;
  return undefined;
}

function pushNoise(found: Incoming[], bytes: Uint8Array): void {
  let start = 0;
  let end = bytes.length;
  while (start < end && bytes[start] === 0) start++;
  while (end > start && bytes[end - 1] === 0) end--;
  if (end > start) found.push({ kind: 'discarded', reason: 'noise', bytes: bytes.slice(start, end) });
}

/** `bytes` begin with a start code. */
function readCandidate(bytes: Uint8Array): Candidate {
  const [, , length, check] = bytes;
  if (length === undefined || check === undefined) return { state: 'incomplete' };
  if (length === 0x00 && check === 0xff) return signal('ack');
  if (length === 0xff && check === 0x00) return signal('nack');
  if (length === 0xff && check === 0xff) return readExtended(bytes);
  if (length === 0 || ((length + check) & 0xff) !== 0) return { state: 'broken', reason: 'length' };
  return readBody(bytes, NORMAL_HEADER_BYTES, length);
}

function signal(kind: 'ack' | 'nack'): Candidate {
  return { state: 'whole', incoming: { kind }, lengthBytes: NORMAL_HEADER_BYTES };
}

function readExtended(bytes: Uint8Array): Candidate {
  const [high, low, check] = bytes.subarray(NORMAL_HEADER_BYTES);
  if (high === undefined || low === undefined || check === undefined) return { state: 'incomplete' };
  const length = (high << 8) | low;
  const isBroken = ((high + low + check) & 0xff) !== 0 || length === 0 || length > LONGEST_PAYLOAD_BYTES;
  if (isBroken) return { state: 'broken', reason: 'length' };
  return readBody(bytes, EXTENDED_HEADER_BYTES, length);
}

/** The postamble is awaited: it tells a frame that lost a zero byte on the way from a good one. */
function readBody(bytes: Uint8Array, headerBytes: number, length: number): Candidate {
  const lengthBytes = headerBytes + length + TRAILER_BYTES;
  if (bytes.length < lengthBytes) return { state: 'incomplete' };
  const end = headerBytes + length;
  if (sum(bytes.subarray(headerBytes, end + 1)) !== 0) return { state: 'broken', reason: 'checksum' };
  if (bytes[end + 1] !== 0) return { state: 'broken', reason: 'postamble' };
  const payload = bytes.slice(headerBytes, end);
  const isSyntaxError = length === 1 && payload[0] === SYNTAX_ERROR;
  return {
    state: 'whole',
    incoming: isSyntaxError ? { kind: 'syntax-error' } : { kind: 'frame', payload },
    lengthBytes,
  };
}
