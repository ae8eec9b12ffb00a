// @ts-check
/**
 * What binding and host say to each other: frames on a socket. Bytes of a card travel as bytes and are overwritten
 * where they passed, because a PIN may be among them; everything else is JSON. Plain JavaScript, as the host is.
 *
 *     4  length of what follows, big-endian
 *     4  number of the call
 *     1  kind of the body
 *     n  body
 */

/** @typedef {import('./host-line.d.mts').BodyKind} BodyKind */
/** @typedef {import('./host-line.d.mts').HostFrame} HostFrame */

/** @type {readonly BodyKind[]} */
const KINDS = ['json', 'bytes', 'failure'];
const LENGTH_BYTES = 4;
const HEADER_BYTES = LENGTH_BYTES + 5;

/**
 * @param {number} id
 * @param {BodyKind} kind
 * @param {Uint8Array} body
 */
export function encodeHostFrame(id, kind, body) {
  const frame = Buffer.alloc(HEADER_BYTES + body.length);
  frame.writeUInt32BE(frame.length - LENGTH_BYTES, 0);
  frame.writeUInt32BE(id, LENGTH_BYTES);
  frame[HEADER_BYTES - 1] = KINDS.indexOf(kind);
  frame.set(body, HEADER_BYTES);
  return frame;
}

/** Cuts what comes from the socket into frames. */
export class HostFrameReader {
  #held = Buffer.alloc(0);

  /**
   * The frames that `chunk` completes, copied out of it; `chunk` is zeroed.
   * @param {Buffer} chunk
   */
  push(chunk) {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    /** @type {HostFrame[]} */
    const frames = [];
    let at = 0;
    while (bytes.length - at >= HEADER_BYTES) {
      const end = at + LENGTH_BYTES + bytes.readUInt32BE(at);
      if (end > bytes.length) break;
      const kind = KINDS[bytes.readUInt8(at + HEADER_BYTES - 1)] ?? 'failure';
      const body = new Uint8Array(bytes.subarray(at + HEADER_BYTES, end));
      frames.push({ id: bytes.readUInt32BE(at + LENGTH_BYTES), kind, body });
      at = end;
    }
    this.#held.fill(0);
    this.#held = Buffer.from(bytes.subarray(at));
    bytes.fill(0);
    chunk.fill(0);
    return frames;
  }
}
