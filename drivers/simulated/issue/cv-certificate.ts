/** Card-verifiable certificates as this issuer writes them. @see docs/organisation-profile.md */
import { type KeyObject, sign } from 'node:crypto';
import { ascii, concat } from '../bytes.ts';
import { ecPoint, isP384, rsaNumbers } from '../crypto/keys.ts';
import { tlv } from '../tlv.ts';

/** 16 bytes: ASCII text, padded with zeros. */
export function keyId(text: string): Uint8Array {
  const id = new Uint8Array(16);
  id.set(ascii(text));
  return id;
}

/** `90 exponent, 91 modulus`: how a card writes an RSA public key. */
export function encodeRsaKey(key: KeyObject): Uint8Array {
  const { modulus, exponent } = rsaNumbers(key);
  return concat(tlv(0x90, exponent), tlv(0x91, modulus));
}

/** RSA PKCS#1 v1.5 with SHA-256, or ECDSA P-384 with SHA-384, raw; the key decides. */
export function signAsAuthority(key: KeyObject, message: Uint8Array): Uint8Array {
  const signature = isP384(key)
    ? sign('sha384', message, { key, dsaEncoding: 'ieee-p1363' })
    : sign('sha256', message, key);
  return new Uint8Array(signature);
}

export interface CvCertificateRequest {
  readonly issuerKey: KeyObject;
  readonly issuerKeyId: Uint8Array;
  readonly subjectKeyId: Uint8Array;
  /** Public or private half; its algorithm must be the issuer's. */
  readonly subjectKey: KeyObject;
}

/** `7F21 { 5F4E body, 5F37 signature }`: 568 bytes for RSA-2048, 238 for P-384. */
export function makeCvCertificate(request: CvCertificateRequest): Uint8Array {
  const { issuerKey, issuerKeyId, subjectKeyId, subjectKey } = request;
  const publicKey = isP384(subjectKey) ? tlv(0x86, ecPoint(subjectKey)) : encodeRsaKey(subjectKey);
  const body = concat(issuerKeyId, subjectKeyId, publicKey);
  return tlv(0x7f21, tlv(0x5f4e, body), tlv(0x5f37, signAsAuthority(issuerKey, body)));
}

/**
 * Subject key id of an organisation in the test hierarchy.
 * `expiry` is the last valid month as YYMM; undefined = none.
 */
export function organisationKeyId(institutionCode: string, expiry?: string): Uint8Array {
  return concat(ascii(`6000${institutionCode}`), Buffer.from(expiry ?? '0000', 'hex'));
}
