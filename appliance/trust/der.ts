/**
 * Strict, bounded reader for DER. Everything that comes from outside passes here before a library sees it:
 * definite minimal lengths, single-byte tags, bounded depth, no trailing bytes.
 *
 * @see ITU-T X.690 §10.1, §8.1.2
 */

/** Input that is not the DER structure it should be. Stays inside this room; each entry point names its own code. */
export class MalformedDer extends Error {
  override readonly name = 'MalformedDer';
}

/** One tag-length-value; `bytes` is all of it, `value` its contents. Both are views of the input. */
export interface Der {
  readonly tag: number;
  readonly bytes: Uint8Array;
  readonly value: Uint8Array;
}

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  sequence: 0x30,
  set: 0x31,
  utcTime: 0x17,
  generalizedTime: 0x18,
} as const;

const CONSTRUCTED = 0x20;
const MAX_DEPTH = 24;

/** Where a TLV's value starts and ends. */
function locate(bytes: Uint8Array, start: number, limit: number): { valueStart: number; end: number } {
  const tag = bytes[start];
  const first = bytes[start + 1];
  if (tag === undefined || first === undefined || start + 2 > limit) throw new MalformedDer('truncated');
  if ((tag & 0x1f) === 0x1f) throw new MalformedDer('multi-byte tag');
  if (first < 0x80) return within(start + 2, first, limit);
  const octets = first & 0x7f;
  if (octets === 0 || octets > 4 || start + 2 + octets > limit) throw new MalformedDer('length form');
  let length = 0;
  for (let i = 0; i < octets; i++) length = length * 256 + (bytes[start + 2 + i] ?? 0);
  if (length < 0x80 || length < 256 ** (octets - 1)) throw new MalformedDer('length not minimal');
  return within(start + 2 + octets, length, limit);
}

function within(valueStart: number, length: number, limit: number): { valueStart: number; end: number } {
  const end = valueStart + length;
  if (end > limit) throw new MalformedDer('truncated');
  return { valueStart, end };
}

function checkContents(bytes: Uint8Array, start: number, end: number, depth: number): void {
  if (depth > MAX_DEPTH) throw new MalformedDer('too deep');
  let at = start;
  while (at < end) {
    const inner = locate(bytes, at, end);
    if (((bytes[at] ?? 0) & CONSTRUCTED) !== 0) checkContents(bytes, inner.valueStart, inner.end, depth + 1);
    at = inner.end;
  }
}

/** Reads `bytes` as exactly one DER value and checks the form of everything inside. */
export function parseDer(bytes: Uint8Array, maxBytes: number): Der {
  if (bytes.length > maxBytes) throw new MalformedDer('too long');
  const { valueStart, end } = locate(bytes, 0, bytes.length);
  if (end !== bytes.length) throw new MalformedDer('trailing bytes');
  const tag = bytes[0] ?? 0;
  if ((tag & CONSTRUCTED) !== 0) checkContents(bytes, valueStart, end, 1);
  return { tag, bytes, value: bytes.subarray(valueStart, end) };
}

/** The values inside a constructed value, one after another. */
export function* children(parent: Der): Generator<Der> {
  const { value } = parent;
  let at = 0;
  while (at < value.length) {
    const { valueStart, end } = locate(value, at, value.length);
    yield { tag: value[at] ?? 0, bytes: value.subarray(at, end), value: value.subarray(valueStart, end) };
    at = end;
  }
}

/** The same DER with another tag: how an IMPLICIT type is read as what it is. */
export function retag(node: Der, tag: number): Der {
  return { ...node, tag };
}

/** Checks the tag and answers the node. */
export function expect(node: Der | undefined, tag: number): Der {
  if (node?.tag !== tag) throw new MalformedDer(`expected tag ${tag.toString(16)}`);
  return node;
}

/** The children of a SEQUENCE (or another constructed tag) as an array. */
export function sequenceOf(node: Der | undefined, tag: number = TAG.sequence): Der[] {
  return [...children(expect(node, tag))];
}

export function parseBoolean(node: Der): boolean {
  const [octet] = expect(node, TAG.boolean).value;
  if (node.value.length !== 1 || (octet !== 0 && octet !== 0xff)) throw new MalformedDer('boolean');
  return octet === 0xff;
}

/** INTEGER or ENUMERATED small enough to count with. */
export function parseSmallInteger(node: Der, tag: number = TAG.integer): number {
  const { value } = expect(node, tag);
  const [first = 0xff, second = 0] = value;
  if (value.length === 0 || value.length > 5 || first >= 0x80) throw new MalformedDer('integer');
  if (value.length > 1 && first === 0 && second < 0x80) throw new MalformedDer('integer not minimal');
  return value.reduce((sum, octet) => sum * 256 + octet, 0);
}

/** Dotted notation. @see X.690 §8.19 */
export function parseOid(node: Der): string {
  const { value } = expect(node, TAG.oid);
  const arcs: number[] = [];
  let arc = 0;
  let open = false;
  for (const octet of value) {
    if (!open && octet === 0x80) throw new MalformedDer('OID not minimal');
    arc = arc * 128 + (octet & 0x7f);
    if (arc > Number.MAX_SAFE_INTEGER / 128) throw new MalformedDer('OID arc');
    open = octet >= 0x80;
    if (open) continue;
    arcs.push(arc);
    arc = 0;
  }
  const [head, ...rest] = arcs;
  if (open || head === undefined) throw new MalformedDer('OID');
  const root = Math.min(2, Math.floor(head / 40));
  return [root, head - root * 40, ...rest].join('.');
}

/** UTCTime or GeneralizedTime in the DER profile (UTC, seconds, no trailing zeros). @see RFC 5280 §4.1.2.5 */
export function parseTime(node: Der): number {
  const text = String.fromCharCode(...node.value);
  const match =
    node.tag === TAG.utcTime
      ? /^(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})()Z$/.exec(text)
      : /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(?:\.(\d{0,8}[1-9]))?Z$/.exec(text);
  if (match === null || (node.tag !== TAG.utcTime && node.tag !== TAG.generalizedTime)) {
    throw new MalformedDer('time');
  }
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const fullYear = node.tag === TAG.utcTime ? (year >= 50 ? 1900 : 2000) + year : year;
  const wholeMs = Date.UTC(fullYear, month - 1, day, hour, minute, second);
  const back = new Date(wholeMs);
  if (back.getUTCMonth() !== month - 1 || back.getUTCDate() !== day || back.getUTCMinutes() !== minute) {
    throw new MalformedDer('no such time');
  }
  return wholeMs + Number(`0.${match[7] || '0'}`) * 1000;
}

/** Bits of a NamedBitList, most significant first: [true, false, …]. */
export function parseBits(node: Der): boolean[] {
  const [unused = 8, ...octets] = expect(node, TAG.bitString).value;
  if (unused > 7 || (octets.length === 0 && unused > 0)) throw new MalformedDer('bit string');
  return octets
    .flatMap((octet) => [7, 6, 5, 4, 3, 2, 1, 0].map((bit) => ((octet >> bit) & 1) === 1))
    .slice(0, octets.length * 8 - unused);
}

/** OCTET-aligned BIT STRING, as signatures and keys are. */
export function parseAlignedBits(node: Der): Uint8Array {
  const { value } = expect(node, TAG.bitString);
  if (value[0] !== 0) throw new MalformedDer('bit string not aligned');
  return value.subarray(1);
}

/** Runs a parser and turns whatever a library throws over odd input into MalformedDer. */
export function parsing<T>(what: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (cause instanceof MalformedDer) throw cause;
    throw new MalformedDer(what, { cause });
  }
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}
