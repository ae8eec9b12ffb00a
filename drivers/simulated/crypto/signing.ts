/**
 * Signatures over data that is hashed already, which node:crypto does not offer:
 * a chip gets a digest (or a whole DigestInfo) and pads it itself.
 */
import { constants, createECDH, type KeyObject, privateEncrypt } from 'node:crypto';
import type { Random } from '#ports/random.ts';
import { concat, fromHex, uint } from '../bytes.ts';
import { sha256 } from './hash.ts';

/** DER DigestInfo header of SHA-256. @see RFC 8017 §9.2 note 1 */
const SHA256_DIGEST_INFO = fromHex('3031300D060960864801650304020105000420');

export function digestInfo(digest: Uint8Array): Uint8Array {
  return concat(SHA256_DIGEST_INFO, digest);
}

/** EMSA-PKCS1-v1_5 around `payload` as it is. @see RFC 8017 §8.2.1 */
export function signPkcs1(key: KeyObject, payload: Uint8Array): Uint8Array {
  return new Uint8Array(privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, payload));
}

function maskWithMgf1(block: Uint8Array, seed: Uint8Array): Uint8Array {
  const masked = Uint8Array.from(block);
  for (let counter = 0; counter * 32 < block.length; counter += 1) {
    const mask = sha256(seed, uint(counter, 4));
    for (let at = 0; at < 32 && counter * 32 + at < block.length; at += 1) {
      masked[counter * 32 + at] = (block[counter * 32 + at] ?? 0) ^ (mask[at] ?? 0);
    }
  }
  return masked;
}

/** RSASSA-PSS, SHA-256 and MGF1-SHA-256, 32 bytes of salt, 2048-bit modulus. @see RFC 8017 §9.1.1 */
export function signPss(key: KeyObject, digest: Uint8Array, random: Random): Uint8Array {
  const salt = random.bytes(32);
  const hash = sha256(new Uint8Array(8), digest, salt);
  const dataBlock = concat(new Uint8Array(256 - 32 - 32 - 2), Uint8Array.of(1), salt);
  const masked = maskWithMgf1(dataBlock, hash);
  masked[0] = (masked[0] ?? 0) & 0x7f;
  const encoded = concat(masked, hash, Uint8Array.of(0xbc));
  return new Uint8Array(privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, encoded));
}

const P384_ORDER = BigInt(
  '0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973',
);

function toBigInt(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
}

/** Extended Euclid; `modulus` is prime. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [oldR, r, oldS, s] = [value % modulus, modulus, 1n, 0n];
  while (r !== 0n) {
    const quotient = oldR / r;
    [oldR, r] = [r, oldR - quotient * r];
    [oldS, s] = [s, oldS - quotient * s];
  }
  return ((oldS % modulus) + modulus) % modulus;
}

/** ECDSA on P-384 over a 48-byte digest, raw r ‖ s. The curve arithmetic is OpenSSL's. @see FIPS 186-5 §6.4.1 */
export function signP384(key: KeyObject, digest: Uint8Array, random: Random): Uint8Array {
  const { d = '' } = key.export({ format: 'jwk' });
  const secret = toBigInt(Buffer.from(d, 'base64url'));
  for (;;) {
    const nonce = toBigInt(random.bytes(48));
    if (nonce === 0n || nonce >= P384_ORDER) continue;
    const curve = createECDH('secp384r1');
    curve.setPrivateKey(uint(nonce, 48));
    const r = toBigInt(curve.getPublicKey().subarray(1, 49)) % P384_ORDER;
    const s = (inverse(nonce, P384_ORDER) * (toBigInt(digest) + r * secret)) % P384_ORDER;
    if (r !== 0n && s !== 0n) return concat(uint(r, 48), uint(s, 48));
  }
}
