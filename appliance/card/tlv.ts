/**
 * BER-TLV. Strict: definite minimal lengths, no trailing bytes. Tags of one to three bytes, as one number.
 * A tag number below 31 in a two-byte tag passes: the My Number Card (DF11) and EMV (9F08) use them.
 * @see ISO 7816-4 §6.3, ISO/IEC 8825-1 §8.1
 */
import { SekishoError } from '#contract/errors.ts';

export interface Tlv {
  readonly tag: number;
  readonly value: Uint8Array;
  /** The complete object as it was written: tag, length and value. */
  readonly bytes: Uint8Array;
}

export interface TlvHeader {
  readonly tag: number;
  readonly headerBytes: number;
  readonly valueBytes: number;
}

const MAX_TAG_BYTES = 3;
const MAX_LENGTH_BYTES = 3;

/** Reads tag and length only; the value may still be on the card. */
export function parseTlvHeader(bytes: Uint8Array): TlvHeader {
  const { tag, tagBytes } = parseTag(bytes);
  const { valueBytes, lengthBytes } = parseLength(bytes.subarray(tagBytes));
  return { tag, headerBytes: tagBytes + lengthBytes, valueBytes };
}

function parseTag(bytes: Uint8Array): { tag: number; tagBytes: number } {
  const first = bytes[0];
  if (first === undefined) throw malformed('tag missing');
  if (first === 0x00) throw malformed('tag 00');
  if ((first & 0x1f) !== 0x1f) return { tag: first, tagBytes: 1 };
  let tag = first;
  for (let at = 1; at < MAX_TAG_BYTES; at++) {
    const next = bytes[at];
    if (next === undefined) throw malformed('tag cut off');
    if (at === 1 && next === 0x80) throw malformed('tag number not minimal');
    tag = tag * 0x100 + next;
    if ((next & 0x80) === 0) return { tag, tagBytes: at + 1 };
  }
  throw malformed('tag too long');
}

function parseLength(bytes: Uint8Array): { valueBytes: number; lengthBytes: number } {
  const first = bytes[0];
  if (first === undefined) throw malformed('length missing');
  if (first < 0x80) return { valueBytes: first, lengthBytes: 1 };
  const count = first & 0x7f;
  if (count === 0) throw malformed('indefinite length');
  if (count > MAX_LENGTH_BYTES) throw malformed('length too long');
  if (bytes.length < 1 + count) throw malformed('length cut off');
  const valueBytes = bytes.subarray(1, 1 + count).reduce((sum, byte) => sum * 0x100 + byte, 0);
  if (valueBytes < 0x80 || valueBytes < 0x100 ** (count - 1)) throw malformed('length not minimal');
  return { valueBytes, lengthBytes: 1 + count };
}

/** Takes one object off the front. */
function takeTlv(bytes: Uint8Array): { object: Tlv; rest: Uint8Array } {
  const { tag, headerBytes, valueBytes } = parseTlvHeader(bytes);
  const end = headerBytes + valueBytes;
  if (bytes.length < end) throw malformed('value cut off');
  const object = { tag, value: bytes.subarray(headerBytes, end), bytes: bytes.subarray(0, end) };
  return { object, rest: bytes.subarray(end) };
}

/** A sequence of objects that fills `bytes` exactly. */
export function parseTlvs(bytes: Uint8Array): readonly Tlv[] {
  const objects: Tlv[] = [];
  for (let rest = bytes; rest.length > 0; ) {
    const taken = takeTlv(rest);
    objects.push(taken.object);
    rest = taken.rest;
  }
  return objects;
}

/** Exactly one object, with the tag `expected` when that is given. */
export function parseTlv(bytes: Uint8Array, expected?: number): Tlv {
  const { object, rest } = takeTlv(bytes);
  if (rest.length > 0) throw malformed('trailing bytes');
  if (expected !== undefined && object.tag !== expected) throw malformed('unexpected tag');
  return object;
}

/**
 * The tolerant reader, for card files only: one object, and behind it nothing but FF filler.
 * EFs are padded to their physical size. @see docs/protocol-facts.md 1.3
 */
export function parseCardFile(bytes: Uint8Array, expected: number): Tlv {
  const { object, rest } = takeTlv(bytes);
  if (rest.some((byte) => byte !== 0xff)) throw malformed('trailing bytes that are not filler');
  if (object.tag !== expected) throw malformed('unexpected tag');
  return object;
}

/** The one object with `tag`; missing or doubled objects are refused. */
export function findTlv(objects: readonly Tlv[], tag: number): Tlv {
  const [found, second] = objects.filter((object) => object.tag === tag);
  if (!found || second) throw malformed(found ? 'object doubled' : 'object missing');
  return found;
}

export function encodeTlv(tag: number, ...values: readonly Uint8Array[]): Uint8Array {
  const valueBytes = values.reduce((length, value) => length + value.length, 0);
  const header = [...bigEndian(tag), ...encodeLength(valueBytes)];
  const bytes = new Uint8Array(header.length + valueBytes);
  bytes.set(header);
  let at = header.length;
  for (const value of values) {
    bytes.set(value, at);
    at += value.length;
  }
  return bytes;
}

function encodeLength(valueBytes: number): number[] {
  if (valueBytes < 0x80) return [valueBytes];
  const length = bigEndian(valueBytes);
  if (length.length > MAX_LENGTH_BYTES) throw new RangeError('TLV value too long');
  return [0x80 | length.length, ...length];
}

function bigEndian(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 0x100)) bytes.unshift(rest % 0x100);
  return bytes;
}

function malformed(reason: string): SekishoError {
  return new SekishoError('card.protocol', { context: { layer: 'tlv', reason } });
}
