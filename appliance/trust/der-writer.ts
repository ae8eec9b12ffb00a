/**
 * The few DER values that we write ourselves: requests to OCSP responders and time-stamp authorities, envelopes.
 *
 * @see ITU-T X.690 §8, §10.1 (definite, minimal lengths)
 */
import { TAG } from './der.ts';

/** One value; a constructed one is given as its parts. */
export function encodeDer(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const lengthBytes = contents.reduce((sum, { length }) => sum + length, 0);
  return Buffer.concat([Buffer.of(tag, ...encodeLength(lengthBytes)), ...contents]);
}

function encodeLength(length: number): number[] {
  if (length < 0x80) return [length];
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return [0x80 | octets.length, ...octets];
}

export function encodeSequence(...parts: readonly Uint8Array[]): Buffer {
  return encodeDer(TAG.sequence, ...parts);
}

export function encodeOctetString(octets: Uint8Array): Buffer {
  return encodeDer(TAG.octetString, octets);
}

/** A small number, as versions are. */
export function encodeSmallInteger(value: number): Buffer {
  return encodeDer(TAG.integer, Buffer.of(value));
}

/** An INTEGER from unsigned bytes: minimal and never negative. */
export function encodeUnsignedInteger(bytes: Uint8Array): Buffer {
  const start = bytes.findIndex((octet) => octet !== 0);
  const significant = start < 0 ? Buffer.of(0) : bytes.subarray(start);
  const padding = (significant[0] ?? 0) >= 0x80 ? Buffer.of(0) : Buffer.of();
  return encodeDer(TAG.integer, padding, significant);
}

/** From dotted notation. @see X.690 §8.19 */
export function encodeOid(dotted: string): Buffer {
  const [root = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return encodeDer(TAG.oid, Buffer.from([root * 40 + second, ...rest].flatMap(encodeArc)));
}

/** Base 128, most significant first; all but the last octet have the high bit. */
function encodeArc(arc: number): number[] {
  const octets = [arc % 128];
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) {
    octets.unshift(0x80 | (rest % 128));
  }
  return octets;
}

/** `AlgorithmIdentifier`; without `parameters` the field is absent. */
export function encodeAlgorithm(oid: string, parameters: Uint8Array = Buffer.of()): Buffer {
  return encodeSequence(encodeOid(oid), parameters);
}

export const DER_NULL: Uint8Array = encodeDer(TAG.null);
