/** Signatures by OID over node:crypto. SHA-1 and anything exotic is not in the table, so it does not verify. */
import { constants, type KeyObject, verify } from 'node:crypto';
import type { Signed } from './certificate.ts';

export type HashName = 'sha256' | 'sha384' | 'sha512';

/** @see RFC 8017 §A.2.4, RFC 5758 §3.2 */
const SIGNATURE_ALGORITHM: Readonly<Record<string, { key: 'rsa' | 'ec'; hash: HashName }>> = {
  '1.2.840.113549.1.1.11': { key: 'rsa', hash: 'sha256' },
  '1.2.840.113549.1.1.12': { key: 'rsa', hash: 'sha384' },
  '1.2.840.113549.1.1.13': { key: 'rsa', hash: 'sha512' },
  '1.2.840.10045.4.3.2': { key: 'ec', hash: 'sha256' },
  '1.2.840.10045.4.3.3': { key: 'ec', hash: 'sha384' },
  '1.2.840.10045.4.3.4': { key: 'ec', hash: 'sha512' },
};

/** True when `signed.signature` is over `signed.signed` by `key`. Never throws. */
export function verifySigned(signed: Signed, key: KeyObject): boolean {
  const algorithm = SIGNATURE_ALGORITHM[signed.algorithm];
  if (algorithm === undefined) return false;
  return verifyWith(key, algorithm.key, algorithm.hash, signed.signed, signed.signature, 'der');
}

/** PKCS#1 v1.5 or ECDSA in one call; false for a key of another kind. */
export function verifyWith(
  key: KeyObject,
  kind: 'rsa' | 'ec',
  hash: HashName,
  message: Uint8Array,
  signature: Uint8Array,
  dsaEncoding: 'der' | 'ieee-p1363',
): boolean {
  if (key.asymmetricKeyType !== kind || isWeak(key)) return false;
  try {
    return verify(hash, message, { key, dsaEncoding, padding: constants.RSA_PKCS1_PADDING }, signature);
  } catch {
    return false;
  }
}

function isWeak(key: KeyObject): boolean {
  const bits = key.asymmetricKeyDetails?.modulusLength;
  return bits !== undefined && bits < 2048;
}
