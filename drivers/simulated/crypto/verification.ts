import { type KeyObject, verify } from 'node:crypto';
import { isP384, isRsa2048 } from './keys.ts';

/**
 * Verifies what a card or a card authority signs: RSA PKCS#1 v1.5 with SHA-256, or ECDSA P-384 with SHA-384, raw.
 * The key decides the algorithm.
 */
export function verifyCardSignature(key: KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  if (isRsa2048(key)) return verify('sha256', message, key, signature);
  return isP384(key) && verify('sha384', message, { key, dsaEncoding: 'ieee-p1363' }, signature);
}

/** ECDSA P-256 with SHA-256, DER: the service provider's signatures. */
export function verifyP256(key: KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  return verify('sha256', message, key, signature);
}
