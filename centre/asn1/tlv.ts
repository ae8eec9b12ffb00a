/**
 * Tag-length-value objects with definite, minimal lengths: DER (X.690 §10.1) and the BER-TLV of smart
 * cards (ISO 7816-4 §5.2.2) share this form. Tags are written as in the specifications: 0x30, 0xa0, 0x7f21.
 */

export interface Tlv {
  readonly tag: number;
  readonly content: Buffer;
  /** The whole object: tag, length and content. */
  readonly encoded: Buffer;
}

/** The bytes are not well-formed DER, or not the structure that was expected. */
export class MalformedDer extends Error {
  override readonly name = 'MalformedDer';
}

export function encodeTlv(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([encodeTag(tag), encodeLength(content.length), content]);
}

function encodeTag(tag: number): Buffer {
  return tag > 0xff ? Buffer.from([tag >> 8, tag & 0xff]) : Buffer.from([tag]);
}

function encodeLength(lengthBytes: number): Buffer {
  if (lengthBytes < 0x80) return Buffer.from([lengthBytes]);
  const octets: number[] = [];
  for (let rest = lengthBytes; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest & 0xff);
  return Buffer.from([0x80 | octets.length, ...octets]);
}

/** Reads sibling objects one after the other and refuses whatever was not asked for. */
export class TlvCursor {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get atEnd(): boolean {
    return this.#offset === this.#bytes.length;
  }

  /** The next object, whatever its tag. */
  any(): Tlv {
    const start = this.#offset;
    const tag = this.#readTag();
    const lengthBytes = this.#readLength();
    const end = this.#offset + lengthBytes;
    if (end > this.#bytes.length) throw new MalformedDer('content is cut short');
    const content = this.#bytes.subarray(this.#offset, end);
    this.#offset = end;
    return { tag, content, encoded: this.#bytes.subarray(start, end) };
  }

  take(tag: number): Tlv {
    const found = this.any();
    if (found.tag !== tag) {
      throw new MalformedDer(`expected tag ${tag.toString(16)}, found ${found.tag.toString(16)}`);
    }
    return found;
  }

  optional(tag: number): Tlv | undefined {
    if (this.atEnd || this.#peekTag() !== tag) return undefined;
    return this.any();
  }

  rest(): Tlv[] {
    const objects: Tlv[] = [];
    while (!this.atEnd) objects.push(this.any());
    return objects;
  }

  end(): void {
    if (!this.atEnd) throw new MalformedDer('bytes after the end of the structure');
  }

  #peekTag(): number {
    const before = this.#offset;
    const tag = this.#readTag();
    this.#offset = before;
    return tag;
  }

  #readTag(): number {
    const first = this.#byte();
    if ((first & 0x1f) !== 0x1f) return first;
    const second = this.#byte();
    if (second < 0x1f || second > 0x7f) throw new MalformedDer('tag number out of range');
    return (first << 8) | second;
  }

  #readLength(): number {
    const first = this.#byte();
    if (first < 0x80) return first;
    const octets = first & 0x7f;
    if (octets === 0 || octets > 4) throw new MalformedDer('length form not allowed');
    let lengthBytes = 0;
    for (let index = 0; index < octets; index++) lengthBytes = lengthBytes * 256 + this.#byte();
    if (encodeLength(lengthBytes).length !== octets + 1) throw new MalformedDer('length is not minimal');
    return lengthBytes;
  }

  #byte(): number {
    const byte = this.#bytes[this.#offset];
    if (byte === undefined) throw new MalformedDer('bytes end too early');
    this.#offset++;
    return byte;
  }
}

/** The one object that fills `bytes` exactly. */
export function parseTlv(bytes: Uint8Array, tag: number): Tlv {
  const cursor = new TlvCursor(bytes);
  const object = cursor.take(tag);
  cursor.end();
  return object;
}
