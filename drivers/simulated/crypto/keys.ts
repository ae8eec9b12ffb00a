/** Keys as card images and SAM states keep them: DER in base64. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { fromBase64, toBase64 } from '../bytes.ts';

export function exportPrivateKey(key: KeyObject): string {
  return toBase64(key.export({ type: 'pkcs8', format: 'der' }));
}

/** Parsing an RSA key costs as much as signing with it; a chip does it once. */
const IMPORTED_LIMIT = 64;
const imported = new Map<string, KeyObject>();

export function importPrivateKey(pkcs8: string): KeyObject {
  const known = imported.get(pkcs8);
  if (known !== undefined) return known;
  const key = createPrivateKey({ key: Buffer.from(fromBase64(pkcs8)), type: 'pkcs8', format: 'der' });
  if (imported.size >= IMPORTED_LIMIT) imported.clear();
  imported.set(pkcs8, key);
  return key;
}

export function exportPublicKey(key: KeyObject): string {
  return toBase64(key.export({ type: 'spki', format: 'der' }));
}

/** Throws when `spki` is not a DER SubjectPublicKeyInfo. */
export function importPublicKey(spki: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.from(spki), type: 'spki', format: 'der' });
}

export function isP384(key: KeyObject): boolean {
  return key.asymmetricKeyDetails?.namedCurve === 'secp384r1';
}

export function isP256(key: KeyObject): boolean {
  return key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
}

export function isRsa2048(key: KeyObject): boolean {
  return key.asymmetricKeyType === 'rsa' && key.asymmetricKeyDetails?.modulusLength === 2048;
}

/** An RSA public key from its modulus and exponent. */
export function rsaPublicKey(modulus: Uint8Array, exponent: Uint8Array): KeyObject {
  const n = Buffer.from(modulus).toString('base64url');
  const e = Buffer.from(exponent).toString('base64url');
  return createPublicKey({ key: { kty: 'RSA', n, e }, format: 'jwk' });
}

export interface RsaNumbers {
  readonly modulus: Uint8Array;
  readonly exponent: Uint8Array;
}

export function rsaNumbers(key: KeyObject): RsaNumbers {
  const { n = '', e = '' } = key.export({ format: 'jwk' });
  return {
    modulus: new Uint8Array(Buffer.from(n, 'base64url')),
    exponent: new Uint8Array(Buffer.from(e, 'base64url')),
  };
}

/** A P-384 public key from 04 ‖ X ‖ Y; throws when the point is not on the curve. */
export function p384PublicKey(point: Uint8Array): KeyObject {
  return publicKeyAt('P-384', 48, point);
}

/** A P-256 public key from 04 ‖ X ‖ Y; throws when the point is not on the curve. */
export function p256PublicKey(point: Uint8Array): KeyObject {
  return publicKeyAt('P-256', 32, point);
}

function publicKeyAt(crv: string, coordinateBytes: number, point: Uint8Array): KeyObject {
  const x = Buffer.from(point.subarray(1, 1 + coordinateBytes)).toString('base64url');
  const y = Buffer.from(point.subarray(1 + coordinateBytes)).toString('base64url');
  return createPublicKey({ key: { kty: 'EC', crv, x, y }, format: 'jwk' });
}

/** 04 ‖ X ‖ Y of an elliptic-curve key. */
export function ecPoint(key: KeyObject): Uint8Array {
  const { x = '', y = '' } = key.export({ format: 'jwk' });
  return new Uint8Array(
    Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]),
  );
}
