/** Writing and reading the ASN.1 types that certificates, OCSP, CRLs and time stamps use (X.690 §8, §10, §11). */
import { encodeTlv, MalformedDer, type Tlv } from './tlv.ts';

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

export const sequence = (...members: readonly Uint8Array[]): Buffer => encodeTlv(TAG.sequence, ...members);

/** SET OF: DER wants the encodings in ascending order (X.690 §11.6). */
export const setOf = (...members: readonly Uint8Array[]): Buffer =>
  encodeTlv(TAG.set, ...[...members].sort(Buffer.compare));

/** `[n] EXPLICIT`, or `[n] IMPLICIT` around a constructed value given by its members. */
export const context = (tagNumber: number, ...members: readonly Uint8Array[]): Buffer =>
  encodeTlv(0xa0 | tagNumber, ...members);

/** `[n] IMPLICIT` around a primitive value. */
export const contextPrimitive = (tagNumber: number, content: Uint8Array): Buffer =>
  encodeTlv(0x80 | tagNumber, content);

/** A non-negative INTEGER, given as a number or as big-endian bytes. */
export function integer(value: number | Uint8Array, tag: number = TAG.integer): Buffer {
  return encodeTlv(tag, typeof value === 'number' ? numberToBytes(value) : unsignedContent(value));
}

function numberToBytes(value: number): Buffer {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError('not a non-negative safe integer');
  const hex = value.toString(16);
  return unsignedContent(Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex'));
}

/** Minimal two's-complement content of an unsigned number (X.690 §8.3). */
function unsignedContent(bytes: Uint8Array): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const trimmed = Buffer.from(bytes.subarray(start));
  const first = trimmed[0];
  if (first === undefined) throw new RangeError('an INTEGER has at least one byte');
  return first >= 0x80 ? Buffer.concat([Buffer.of(0), trimmed]) : trimmed;
}

export const enumerated = (value: number): Buffer => integer(value, TAG.enumerated);

export const boolean = (value: boolean): Buffer => encodeTlv(TAG.boolean, Buffer.of(value ? 0xff : 0x00));

export const nullValue = (): Buffer => encodeTlv(TAG.null);

export const octetString = (content: Uint8Array): Buffer => encodeTlv(TAG.octetString, content);

export const bitString = (content: Uint8Array, unusedBits = 0): Buffer =>
  encodeTlv(TAG.bitString, Buffer.of(unusedBits), content);

/** A BIT STRING of named bits: trailing zero bits are left out (X.690 §11.2.2). */
export function namedBits(...bits: readonly number[]): Buffer {
  const highest = Math.max(...bits);
  const content = Buffer.alloc(Math.floor(highest / 8) + 1);
  for (const bit of bits) {
    const index = Math.floor(bit / 8);
    content.writeUInt8(content.readUInt8(index) | (0x80 >> (bit % 8)), index);
  }
  return bitString(content, 7 - (highest % 8));
}

export const utf8String = (text: string): Buffer => encodeTlv(TAG.utf8String, Buffer.from(text, 'utf8'));
export const printableString = (text: string): Buffer =>
  encodeTlv(TAG.printableString, Buffer.from(text, 'ascii'));
export const ia5String = (text: string): Buffer => encodeTlv(TAG.ia5String, Buffer.from(text, 'ascii'));

export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...others] = dotted.split('.').map(Number);
  return encodeTlv(
    TAG.oid,
    Buffer.concat([first * 40 + second, ...others].map((arc) => Buffer.from(encodeArc(arc)))),
  );
}

function encodeArc(arc: number): number[] {
  const octets = [arc % 128];
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) {
    octets.unshift(0x80 | (rest % 128));
  }
  return octets;
}

export function parseOid(object: Tlv): string {
  if (object.tag !== TAG.oid || object.content.length === 0) throw new MalformedDer('not an OID');
  const arcs: number[] = [];
  let arc = 0;
  for (const [index, octet] of object.content.entries()) {
    if (arc === 0 && octet === 0x80) throw new MalformedDer('OID arc is not minimal');
    arc = arc * 128 + (octet & 0x7f);
    if (!Number.isSafeInteger(arc)) throw new MalformedDer('OID arc is too large');
    if ((octet & 0x80) === 0) {
      arcs.push(arc);
      arc = 0;
    } else if (index === object.content.length - 1) {
      throw new MalformedDer('OID is cut short');
    }
  }
  const [first = 0, ...others] = arcs;
  const root = Math.min(2, Math.floor(first / 40));
  return [root, first - root * 40, ...others].join('.');
}

/** Content octets of an INTEGER that must be minimal; kept as bytes because serial numbers are long. */
export function parseInteger(object: Tlv): Buffer {
  const [first, second] = object.content;
  if (object.tag !== TAG.integer || first === undefined) throw new MalformedDer('not an INTEGER');
  const padded =
    second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80));
  if (padded) throw new MalformedDer('INTEGER is not minimal');
  return object.content;
}

export function parseBoolean(object: Tlv): boolean {
  const value = object.content[0];
  if (object.tag !== TAG.boolean || object.content.length !== 1 || (value !== 0 && value !== 0xff)) {
    throw new MalformedDer('not a BOOLEAN');
  }
  return value === 0xff;
}

/** The bytes of a BIT STRING without unused bits. */
export function parseBitString(object: Tlv): Buffer {
  if (object.tag !== TAG.bitString || object.content[0] !== 0)
    throw new MalformedDer('not a whole-byte BIT STRING');
  return object.content.subarray(1);
}
