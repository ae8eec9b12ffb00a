/**
 * X.509 certificate, decoded strictly and no further than we judge it.
 * Own reader instead of a library: measured 50 times faster than pkijs (a tap reads two), and it refuses what is not DER.
 *
 * @see RFC 5280 §4.1
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import {
  children,
  type Der,
  expect,
  MalformedDer,
  parseAlignedBits,
  parseBits,
  parseBoolean,
  parseDer,
  parseOid,
  parseSmallInteger,
  parseTime,
  parsing,
  retag,
  sequenceOf,
  TAG,
} from './der.ts';

const MAX_CERTIFICATE_BYTES = 16_384;
/** @see RFC 8017 §A.1 */
const RSA_ENCRYPTION = '1.2.840.113549.1.1.1';

export const EXTENSION = {
  subjectDirectoryAttributes: '2.5.29.9',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  crlDistributionPoints: '2.5.29.31',
  certificatePolicies: '2.5.29.32',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const;

const KEY_USAGES = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const;
export type KeyUsage = (typeof KEY_USAGES)[number];

export interface Extension {
  readonly critical: boolean;
  readonly value: Uint8Array;
}

/** AlgorithmIdentifier plus signature over `signed`. */
export interface Signed {
  readonly signed: Uint8Array;
  readonly algorithm: string;
  readonly signature: Uint8Array;
}

export interface Certificate extends Signed {
  readonly der: Uint8Array;
  readonly serial: Uint8Array;
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly subjectPublicKeyInfo: Uint8Array;
  /** The key bits alone, as OCSP hashes them. */
  readonly publicKeyBits: Uint8Array;
  readonly publicKey: KeyObject;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly extensions: ReadonlyMap<string, Extension>;
  /** Undefined: no such extension, so nothing is excluded. */
  readonly keyUsage: readonly KeyUsage[] | undefined;
  readonly extendedKeyUsage: readonly string[] | undefined;
  readonly policies: readonly string[];
  readonly authority: { readonly ca: boolean; readonly pathLength: number | undefined };
  readonly subjectKeyId: Uint8Array | undefined;
  readonly authorityKeyId: Uint8Array | undefined;
}

export interface SignedStructure {
  readonly content: Der;
  readonly proof: Signed;
  /** What follows the signature: only OCSP has something there. */
  readonly rest: readonly Der[];
}

/** `SEQUENCE { toBeSigned, AlgorithmIdentifier, BIT STRING, … }`, which certificates, CRLs and OCSP answers share. */
export function parseSigned(node: Der): SignedStructure {
  const [content, algorithm, signature, ...rest] = sequenceOf(node);
  if (content === undefined || signature === undefined) throw new MalformedDer('signed structure');
  const proof = {
    signed: content.bytes,
    algorithm: parseSignatureAlgorithm(algorithm),
    signature: parseAlignedBits(signature),
  };
  return { content, proof, rest };
}

/**
 * The algorithms that we verify have no parameters, or NULL: anything else there would be bytes that no signature
 * covers and everybody ignores. @see RFC 4055 §5, RFC 5758 §3.2
 */
function parseSignatureAlgorithm(node: Der | undefined): string {
  const [, parameters, ...rest] = sequenceOf(node);
  const isPlain = parameters === undefined || (parameters.tag === TAG.null && parameters.value.length === 0);
  if (!isPlain || rest.length > 0) throw new MalformedDer('signature parameters');
  return parseAlgorithm(node);
}

export function parseAlgorithm(node: Der | undefined): string {
  const [oid] = sequenceOf(node);
  return parseOid(expect(oid, TAG.oid));
}

/** `Extensions ::= SEQUENCE OF Extension`, each at most once. */
export function parseExtensions(node: Der | undefined): Map<string, Extension> {
  const found = new Map<string, Extension>();
  for (const entry of sequenceOf(node)) {
    const parts = sequenceOf(entry);
    const id = parseOid(expect(parts[0], TAG.oid));
    const critical = parts[1]?.tag === TAG.boolean && parseBoolean(parts[1]);
    const value = expect(parts.at(-1), TAG.octetString).value;
    if (found.has(id) || parts.length > 3) throw new MalformedDer('extension');
    found.set(id, { critical, value });
  }
  return found;
}

function parsePolicies(extension: Extension | undefined): string[] {
  if (extension === undefined) return [];
  return sequenceOf(contents(extension)).map((information) =>
    parseOid(expect(sequenceOf(information)[0], TAG.oid)),
  );
}

function parseAuthority(extension: Extension | undefined): Certificate['authority'] {
  if (extension === undefined) return { ca: false, pathLength: undefined };
  const parts = sequenceOf(contents(extension));
  const [first] = parts;
  const ca = first?.tag === TAG.boolean && parseBoolean(first);
  const length = parts.find((part) => part.tag === TAG.integer);
  return { ca, pathLength: length === undefined ? undefined : parseSmallInteger(length) };
}

function parseAuthorityKeyId(extension: Extension | undefined): Uint8Array | undefined {
  if (extension === undefined) return undefined;
  return sequenceOf(contents(extension)).find((part) => part.tag === 0x80)?.value;
}

/** The DER value inside an extension's OCTET STRING. */
export function contents(extension: Extension): Der {
  return parseDer(extension.value, MAX_CERTIFICATE_BYTES);
}

function parseUsages(extension: Extension | undefined): KeyUsage[] | undefined {
  if (extension === undefined) return undefined;
  const bits = parseBits(contents(extension));
  return KEY_USAGES.filter((_, bit) => bits[bit] === true);
}

function interpret(extensions: ReadonlyMap<string, Extension>) {
  const extendedKeyUsage = extensions.get(EXTENSION.extendedKeyUsage);
  const subjectKeyId = extensions.get(EXTENSION.subjectKeyIdentifier);
  return {
    extensions,
    keyUsage: parseUsages(extensions.get(EXTENSION.keyUsage)),
    extendedKeyUsage: extendedKeyUsage && sequenceOf(contents(extendedKeyUsage)).map(parseOid),
    policies: parsePolicies(extensions.get(EXTENSION.certificatePolicies)),
    authority: parseAuthority(extensions.get(EXTENSION.basicConstraints)),
    subjectKeyId: subjectKeyId && expect(contents(subjectKeyId), TAG.octetString).value,
    authorityKeyId: parseAuthorityKeyId(extensions.get(EXTENSION.authorityKeyIdentifier)),
  };
}

/** An RSA key is read from its bits: OpenSSL 3 takes 0.2 ms for a SubjectPublicKeyInfo, a fortieth of that for PKCS#1. */
function loadKey(spki: Der): KeyObject {
  const [algorithm, keyBits] = sequenceOf(spki);
  const isRsa = parseAlgorithm(algorithm) === RSA_ENCRYPTION;
  const source = isRsa
    ? parseDer(parseAlignedBits(expect(keyBits, TAG.bitString)), MAX_CERTIFICATE_BYTES)
    : spki;
  return createPublicKey({ key: Buffer.from(source.bytes), format: 'der', type: isRsa ? 'pkcs1' : 'spki' });
}

/** Parses one certificate; throws MalformedDer when it is not exactly one v3 certificate. */
export function parseCertificate(input: Uint8Array): Certificate {
  const der = Uint8Array.from(input);
  const outer = parseDer(der, MAX_CERTIFICATE_BYTES);
  const { content, proof, rest } = parseSigned(outer);
  const fields = sequenceOf(content);
  const [version, serial, innerAlgorithm, issuer, validity, subject, spki] = fields;
  if (
    version?.tag !== 0xa0 ||
    parseSmallInteger(retag([...children(version)][0] ?? version, TAG.integer)) !== 2
  ) {
    throw new MalformedDer('not a v3 certificate');
  }
  if (parseAlgorithm(innerAlgorithm) !== proof.algorithm || rest.length > 0) {
    throw new MalformedDer('signature fields');
  }
  const [notBefore, notAfter] = sequenceOf(validity);
  const [, keyBits] = sequenceOf(spki);
  const extensionsField = fields.find((field) => field.tag === 0xa3);
  const extensions = parseExtensions(extensionsField && [...children(extensionsField)][0]);
  if (spki === undefined || keyBits === undefined || notBefore === undefined || notAfter === undefined) {
    throw new MalformedDer('incomplete certificate');
  }
  return {
    der,
    ...proof,
    serial: expect(serial, TAG.integer).value,
    issuer: expect(issuer, TAG.sequence).bytes,
    subject: expect(subject, TAG.sequence).bytes,
    subjectPublicKeyInfo: spki.bytes,
    publicKeyBits: parseAlignedBits(keyBits),
    publicKey: parsing('public key', () => loadKey(spki)),
    notBeforeMs: parseTime(notBefore),
    notAfterMs: parseTime(notAfter),
    ...interpret(extensions),
  };
}

/** One or more certificates as DER or PEM. */
export function parseCertificates(input: Uint8Array | string): Certificate[] {
  if (typeof input !== 'string') return [parseCertificate(input)];
  const blocks = input.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw new MalformedDer('no PEM certificate');
  return blocks.map((block) =>
    parseCertificate(Buffer.from(block.replace(/-----[^-]+-----|\s/g, ''), 'base64')),
  );
}
