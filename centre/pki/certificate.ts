/** X.509 v3 certificates: making one, reading one, and asking whether an authority made it (RFC 5280 §4). */
import { createHash, createPublicKey, type KeyObject, randomBytes } from 'node:crypto';
import {
  bitString,
  context,
  integer,
  parseBitString,
  parseBoolean,
  parseInteger,
  parseOid,
  sequence,
  TAG,
} from '../asn1/der.ts';
import { certificateTime, parseCertificateTime } from '../asn1/time.ts';
import { MalformedDer, parseTlv, TlvCursor } from '../asn1/tlv.ts';
import { encodeSignatureAlgorithm, signBytes, verifyBytes } from './algorithm.ts';
import { EXTENSION } from './extension.ts';

export interface CertificateExtension {
  readonly critical: boolean;
  readonly value: Buffer;
}

export interface Certificate {
  readonly der: Buffer;
  /** Content octets of the serial number. */
  readonly serial: Buffer;
  /** Encoded names. */
  readonly issuer: Buffer;
  readonly subject: Buffer;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly publicKey: KeyObject;
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Buffer;
  /** Content of the public key BIT STRING: what key identifiers and OCSP hash. */
  readonly publicKeyBits: Buffer;
  /** SHA-1 of the public key BIT STRING (RFC 5280 §4.2.1.2 method 1), hex. */
  readonly keyId: string;
  readonly extensions: ReadonlyMap<string, CertificateExtension>;
}

export interface CertificateTemplate {
  readonly serial: Uint8Array;
  /** Encoded names. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly publicKey: KeyObject;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly extensions: readonly Uint8Array[];
}

/** 127 random bits: unique in practice, and positive. */
export function randomSerial(): Buffer {
  const serial = randomBytes(16);
  serial.writeUInt8((serial.readUInt8(0) & 0x7f) | 0x40, 0);
  return serial;
}

export function exportSpki(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' });
}

export function signCertificate(template: CertificateTemplate, issuerKey: KeyObject): Buffer {
  const algorithm = encodeSignatureAlgorithm(issuerKey);
  const tbs = sequence(
    context(0, integer(2)),
    integer(template.serial),
    algorithm,
    template.issuer,
    sequence(certificateTime(template.notBeforeMs), certificateTime(template.notAfterMs)),
    template.subject,
    exportSpki(template.publicKey),
    context(3, sequence(...template.extensions)),
  );
  return sequence(tbs, algorithm, bitString(signBytes(issuerKey, tbs)));
}

function parsePublicKeyBits(spki: Uint8Array): Buffer {
  const cursor = new TlvCursor(parseTlv(spki, TAG.sequence).content);
  cursor.take(TAG.sequence);
  const bits = parseBitString(cursor.take(TAG.bitString));
  cursor.end();
  return bits;
}

/** The key identifier of a SubjectPublicKeyInfo, hex. */
export function keyIdOf(spki: Uint8Array): string {
  return createHash('sha1').update(parsePublicKeyBits(spki)).digest('hex');
}

/** Parses strictly; anything that is not one v3 certificate is MalformedDer. */
export function parseCertificate(der: Uint8Array): Certificate {
  const tbs = new TlvCursor(splitSigned(der).tbs.content);
  const version = parseInteger(parseTlv(tbs.take(0xa0).content, TAG.integer));
  if (version.length !== 1 || version[0] !== 2) throw new MalformedDer('not a v3 certificate');
  const serial = parseInteger(tbs.take(TAG.integer));
  tbs.take(TAG.sequence);
  const issuer = tbs.take(TAG.sequence).encoded;
  const validity = new TlvCursor(tbs.take(TAG.sequence).content);
  const notBeforeMs = parseCertificateTime(validity.any());
  const notAfterMs = parseCertificateTime(validity.any());
  validity.end();
  const subject = tbs.take(TAG.sequence).encoded;
  const spki = tbs.take(TAG.sequence).encoded;
  const extensions = parseExtensions(parseTlv(tbs.take(0xa3).content, TAG.sequence).content);
  tbs.end();
  return {
    der: Buffer.from(der),
    serial,
    issuer,
    subject,
    notBeforeMs,
    notAfterMs,
    publicKey: parsePublicKey(spki),
    spki,
    publicKeyBits: parsePublicKeyBits(spki),
    keyId: keyIdOf(spki),
    extensions,
  };
}

function parsePublicKey(spki: Buffer): KeyObject {
  try {
    return createPublicKey({ key: spki, format: 'der', type: 'spki' });
  } catch (cause) {
    throw new MalformedDer('not a public key', { cause });
  }
}

function splitSigned(der: Uint8Array): {
  tbs: { content: Buffer; encoded: Buffer };
  algorithm: string;
  signature: Buffer;
} {
  const outer = new TlvCursor(parseTlv(der, TAG.sequence).content);
  const tbs = outer.take(TAG.sequence);
  const algorithm = parseOid(new TlvCursor(outer.take(TAG.sequence).content).take(TAG.oid));
  const signature = parseBitString(outer.take(TAG.bitString));
  outer.end();
  return { tbs, algorithm, signature };
}

function parseExtensions(content: Buffer): ReadonlyMap<string, CertificateExtension> {
  const extensions = new Map<string, CertificateExtension>();
  for (const entry of new TlvCursor(content).rest()) {
    const cursor = new TlvCursor(entry.content);
    const id = parseOid(cursor.take(TAG.oid));
    const criticalFlag = cursor.optional(TAG.boolean);
    const critical = criticalFlag !== undefined && parseBoolean(criticalFlag);
    const value = cursor.take(TAG.octetString).content;
    cursor.end();
    if (extensions.has(id)) throw new MalformedDer('extension appears twice');
    extensions.set(id, { critical, value });
  }
  return extensions;
}

/** True when `issuer` signed `certificate`; names are compared as well, because they are not unique in JPKI. */
export function isIssuedBy(certificate: Certificate, issuer: Certificate): boolean {
  if (!certificate.issuer.equals(issuer.subject)) return false;
  const { tbs, algorithm, signature } = splitSigned(certificate.der);
  return verifyBytes(issuer.publicKey, algorithm, tbs.encoded, signature);
}

/** True when every bit number is set in the keyUsage extension. */
function hasKeyUsage(certificate: Certificate, ...bits: readonly number[]): boolean {
  const value = certificate.extensions.get(EXTENSION.keyUsage)?.value;
  if (value === undefined) return false;
  const content = parseTlv(value, TAG.bitString).content.subarray(1);
  return bits.every((bit) => ((content[Math.floor(bit / 8)] ?? 0) & (0x80 >> (bit % 8))) !== 0);
}

export function certificatePolicies(certificate: Certificate): string[] {
  const value = certificate.extensions.get(EXTENSION.certificatePolicies)?.value;
  if (value === undefined) return [];
  return new TlvCursor(parseTlv(value, TAG.sequence).content)
    .rest()
    .map((policy) => parseOid(new TlvCursor(policy.content).take(TAG.oid)));
}

function isAuthority(certificate: Certificate): boolean {
  const value = certificate.extensions.get(EXTENSION.basicConstraints)?.value;
  return value !== undefined && parseTlv(value, TAG.sequence).content.length > 0;
}

const UNDERSTOOD = new Set<string>(Object.values(EXTENSION));

export type PathVerdict =
  | { readonly ok: true; readonly issuer: Certificate }
  | { readonly ok: false; readonly reason: 'untrusted' | 'expired' | 'not-yet-valid' | 'wrong-usage' };

/** Validates an end-entity certificate against pinned authorities; the issuer is found by its key. */
export function validatePath(
  certificate: Certificate,
  authorities: readonly Certificate[],
  atMs: number,
  requiredPolicies: readonly string[] = [],
): PathVerdict {
  const issuer = authorities.find((authority) => isIssuedBy(certificate, authority));
  if (issuer === undefined) return { ok: false, reason: 'untrusted' };
  const policies = certificatePolicies(certificate);
  const usable =
    [...certificate.extensions].every(([id, { critical }]) => !critical || UNDERSTOOD.has(id)) &&
    !isAuthority(certificate) &&
    hasKeyUsage(certificate, 0) &&
    (requiredPolicies.length === 0 || requiredPolicies.some((policy) => policies.includes(policy)));
  if (!usable) return { ok: false, reason: 'wrong-usage' };
  if (atMs < Math.max(certificate.notBeforeMs, issuer.notBeforeMs))
    return { ok: false, reason: 'not-yet-valid' };
  if (atMs > Math.min(certificate.notAfterMs, issuer.notAfterMs)) return { ok: false, reason: 'expired' };
  return { ok: true, issuer };
}
