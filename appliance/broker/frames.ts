/** Messages on the socket: four bytes of length, big-endian, and that much JSON. */

/** The longest command is a roster of a hundred operators, in hexadecimal. */
export const MAX_FRAME_BYTES = 160_000;
const HEADER_BYTES = 4;

/** What is no frame, or not JSON: whoever sent it is not to be talked to any more. */
export class BadFrame extends Error {
  override readonly name = 'BadFrame';
}

export function encodeFrame(message: unknown): Uint8Array {
  const content = Buffer.from(JSON.stringify(message), 'utf8');
  const frame = Buffer.allocUnsafe(HEADER_BYTES + content.length);
  frame.writeUInt32BE(content.length);
  content.copy(frame, HEADER_BYTES);
  return frame;
}

/** Cuts a byte stream into messages; never holds more than one frame. */
export class FrameReader {
  #chunks: Uint8Array[] = [];
  #bytes = 0;

  /** The messages that `chunk` completes. Throws `BadFrame`. */
  push(chunk: Uint8Array): unknown[] {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    const messages: unknown[] = [];
    for (let frame = this.#take(); frame !== undefined; frame = this.#take()) messages.push(parse(frame));
    return messages;
  }

  #take(): Buffer | undefined {
    if (this.#bytes < HEADER_BYTES) return undefined;
    const [first] = this.#chunks;
    const whole = first?.length === this.#bytes ? Buffer.from(first) : Buffer.concat(this.#chunks);
    this.#chunks = [whole];
    const contentBytes = whole.readUInt32BE();
    if (contentBytes > MAX_FRAME_BYTES) throw new BadFrame('frame too long');
    const end = HEADER_BYTES + contentBytes;
    if (whole.length < end) return undefined;
    this.#chunks = [whole.subarray(end)];
    this.#bytes -= end;
    return whole.subarray(HEADER_BYTES, end);
  }
}

function parse(content: Buffer): unknown {
  try {
    return JSON.parse(content.toString('utf8'));
  } catch {
    // The parser's message quotes the text.
    throw new BadFrame('not JSON');
  }
}
