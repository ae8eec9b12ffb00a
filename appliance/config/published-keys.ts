/**
 * Keys that are published with this software (test vectors, simulated cards and authorities): their secret half belongs to
 * everybody, so nothing in production may rest on one. They are known by fingerprint, whatever file they come in.
 */
import { createHash, createPublicKey } from 'node:crypto';
import { PUBLISHED_KEYS, PUBLISHED_SECRETS } from './published-keys.generated.ts';

const PEM_BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[^-]+-----END \1-----/g;

/** Says what is wrong and what to do, behind the name of a setting. */
export function publishedReason(place: string): string {
  return `is a test key that everybody has (${place}): name a key of your own clinic or centre`;
}

/** SHA-256 of the DER SubjectPublicKeyInfo, as hexadecimal. */
export function keyFingerprint(spki: Uint8Array): string {
  return createHash('sha256').update(spki).digest('hex');
}

/** Where one of the keys and certificates in `pem` is published; undefined when none is. Skips what it cannot read. */
export function publishedKeyIn(pem: string): string | undefined {
  return (pem.match(PEM_BLOCK) ?? []).map((block) => placeOf(block)).find((place) => place !== undefined);
}

/** The same for one key in DER: PKCS#8, or SubjectPublicKeyInfo. */
export function publishedKey(der: Uint8Array, type: 'pkcs8' | 'spki'): string | undefined {
  const label = type === 'pkcs8' ? 'PRIVATE KEY' : 'PUBLIC KEY';
  return placeOf(`-----BEGIN ${label}-----\n${Buffer.from(der).toString('base64')}\n-----END ${label}-----`);
}

/** The same for a symmetric key. */
export function publishedSecret(secret: Uint8Array): string | undefined {
  return PUBLISHED_SECRETS.get(keyFingerprint(secret));
}

/** `createPublicKey` takes a public key, a certificate, and a private key for its public half. */
function placeOf(pemBlock: string): string | undefined {
  try {
    const spki = createPublicKey(pemBlock).export({ type: 'spki', format: 'der' });
    return PUBLISHED_KEYS.get(keyFingerprint(spki));
  } catch {
    // No key, or one under a password: whoever needs it will say so.
    return undefined;
  }
}
