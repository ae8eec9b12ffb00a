/**
 * Card-verifiable certificates: `7F21 { 5F4E body, 5F37 signature }`, 568 bytes (RSA-2048) or 238 (P-384).
 * @see docs/organisation-profile.md "Certificate"; docs/protocol-facts.md 1.7 (measured on the card's own certificates)
 */
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { SekishoError } from '#contract/errors.ts';
import { parseRsaPublicKey } from './rsa-public-key.ts';
import { SUITES, type Suite } from './suite.ts';
import { findTlv, parseTlv, parseTlvHeader, parseTlvs } from './tlv.ts';

const TAG_CV_CERTIFICATE = 0x7f21;
const TAG_BODY = 0x5f4e;
const TAG_SIGNATURE = 0x5f37;
const TAG_EC_POINT = 0x86;
const KEY_ID_BYTES = 16;
const P384_FIELD_BYTES = 48;
const UNCOMPRESSED = 0x04;

export interface CvBody {
  readonly suite: Suite;
  readonly issuerKeyId: Uint8Array;
  readonly subjectKeyId: Uint8Array;
  readonly publicKey: KeyObject;
}

export interface CvCertificate extends CvBody {
  /** What the signature covers: the value of 5F4E. */
  readonly body: Uint8Array;
  readonly signature: Uint8Array;
}

export function parseCvCertificate(bytes: Uint8Array): CvCertificate {
  const objects = parseTlvs(parseTlv(bytes, TAG_CV_CERTIFICATE).value);
  const body = findTlv(objects, TAG_BODY).value;
  const signature = findTlv(objects, TAG_SIGNATURE).value;
  if (objects.length !== 2 || objects[0]?.tag !== TAG_BODY) throw malformed('objects');
  const parsed = parseCvBody(body);
  if (signature.length !== SUITES[parsed.suite].signatureBytes) throw malformed('signature length');
  return { ...parsed, body, signature };
}

function parseCvBody(body: Uint8Array): CvBody {
  const issuerKeyId = body.subarray(0, KEY_ID_BYTES);
  const subjectKeyId = body.subarray(KEY_ID_BYTES, 2 * KEY_ID_BYTES);
  const key = body.subarray(2 * KEY_ID_BYTES);
  const suite: Suite = key[0] === TAG_EC_POINT ? 'p384-sha384' : 'rsa-2048-sha256';
  const publicKey = suite === 'p384-sha384' ? parseEcPublicKey(key) : parseRsaPublicKey(key);
  return { suite, issuerKeyId, subjectKeyId, publicKey };
}

function parseEcPublicKey(bytes: Uint8Array): KeyObject {
  const point = parseTlv(bytes, TAG_EC_POINT).value;
  if (point.length !== 1 + 2 * P384_FIELD_BYTES || point[0] !== UNCOMPRESSED) throw malformed('point');
  const coordinate = (from: number): string =>
    Buffer.from(point.subarray(from, from + P384_FIELD_BYTES)).toString('base64url');
  const jwk = { kty: 'EC', crv: 'P-384', x: coordinate(1), y: coordinate(1 + P384_FIELD_BYTES) };
  try {
    return createPublicKey({ key: jwk, format: 'jwk' });
  } catch (cause) {
    throw malformed('point not on the curve', cause);
  }
}

/** The two halves that a card loads: 7F21 header with the complete 5F4E object, then the complete 5F37 object. */
export function splitCvCertificate(bytes: Uint8Array): {
  readonly first: Uint8Array;
  readonly second: Uint8Array;
} {
  const { headerBytes } = parseTlvHeader(bytes);
  const body = findTlv(parseTlvs(parseTlv(bytes, TAG_CV_CERTIFICATE).value), TAG_BODY).bytes;
  const cut = headerBytes + body.length;
  return { first: bytes.subarray(0, cut), second: bytes.subarray(cut) };
}

/** Checks the signature only; the caller compares key ids and expiry. */
export function verifyCvCertificate(certificate: CvCertificate, issuerKey: KeyObject): boolean {
  const { hash } = SUITES[certificate.suite];
  const key = { key: issuerKey, dsaEncoding: 'ieee-p1363' } as const;
  return verify(hash, certificate.body, key, certificate.signature);
}

function malformed(reason: string, cause?: unknown): SekishoError {
  return new SekishoError('card.protocol', { context: { layer: 'cv-certificate', reason }, cause });
}
