/** BER-TLV as a card writes and reads it: definite, minimal lengths. @see ISO 7816-4 §6.3 */
import { concat, readUint } from './bytes.ts';

export interface Tlv {
  readonly tag: number;
  readonly value: Uint8Array;
  /** Tag, length and value as they stood in the input. */
  readonly encoded: Uint8Array;
}

/** A structure that is not well formed; each application turns it into its own status word. */
export class MalformedTlv extends Error {
  override readonly name = 'MalformedTlv';
}

function encodeNumber(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return bytes;
}

/** One object; `values` are concatenated. */
export function tlv(tag: number, ...values: readonly Uint8Array[]): Uint8Array {
  const value = concat(...values);
  const lengthBytes = encodeNumber(value.length);
  const length = value.length < 0x80 ? [value.length] : [0x80 | lengthBytes.length, ...lengthBytes];
  return concat(Uint8Array.from([...encodeNumber(tag), ...length]), value);
}

function tagLength(bytes: Uint8Array, start: number): number {
  if (((bytes[start] ?? 0) & 0x1f) !== 0x1f) return 1;
  let end = start + 1;
  while (((bytes[end] ?? 0) & 0x80) !== 0) end += 1;
  return end - start + 1;
}

function readTlv(bytes: Uint8Array, start: number): Tlv {
  const lengthAt = start + tagLength(bytes, start);
  const first = bytes[lengthAt];
  if (first === undefined || first === 0x80 || first > 0x83) throw new MalformedTlv('length');
  const extra = first < 0x80 ? 0 : first & 0x7f;
  const valueAt = lengthAt + 1 + extra;
  const length = extra === 0 ? first : readUint(bytes.subarray(lengthAt + 1, valueAt));
  const isMinimal = extra === 0 || length >= (extra === 1 ? 0x80 : 256 ** (extra - 1));
  if (!isMinimal || valueAt + length > bytes.length) throw new MalformedTlv('length');
  return {
    tag: readUint(bytes.subarray(start, lengthAt)),
    value: bytes.slice(valueAt, valueAt + length),
    encoded: bytes.slice(start, valueAt + length),
  };
}

/** All objects of `bytes`, which must hold nothing else. */
export function parseTlvs(bytes: Uint8Array): Tlv[] {
  const found: Tlv[] = [];
  for (let at = 0; at < bytes.length; ) {
    const next = readTlv(bytes, at);
    found.push(next);
    at += next.encoded.length;
  }
  return found;
}

/** The only object of `bytes`, which must have `tag`. */
export function parseTlv(bytes: Uint8Array, tag: number): Tlv {
  const [only, ...others] = parseTlvs(bytes);
  if (only === undefined || only.tag !== tag || others.length > 0) throw new MalformedTlv('tag');
  return only;
}

/** The values of `bytes`, whose tags must be exactly `tags`, in this order. */
export function parseSequence(bytes: Uint8Array, tags: readonly number[]): Uint8Array[] {
  const found = parseTlvs(bytes);
  if (found.length !== tags.length || found.some(({ tag }, at) => tag !== tags[at])) {
    throw new MalformedTlv('sequence');
  }
  return found.map(({ value }) => value);
}
