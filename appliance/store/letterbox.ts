/**
 * Takes sealed values while the SAM is locked: a tap that the lock cut short is still written down, and nobody can
 * read it before the SAM is open again. The public key lies in clear; the private key is sealed like patient data.
 *
 * A value is `02 ‖ box id (4) ‖ ephemeral X25519 key (32) ‖ tag (16) ‖ ciphertext`: AES-256-GCM under a key of its own,
 * derived from the agreed secret and both public keys, the place being additional data.
 * @see RFC 7748 §6.1; RFC 5869
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { spoiled } from './data-key.ts';
import { deriveKeys } from './hkdf.ts';

const LETTER_VERSION = 0x02;
const BOX_ID_BYTES = 4;
const POINT_BYTES = 32;
const TAG_BYTES = 16;
const POINT_AT = 1 + BOX_ID_BYTES;
const TAG_AT = POINT_AT + POINT_BYTES;
const BODY_AT = TAG_AT + TAG_BYTES;
const CIPHER = 'aes-256-gcm';
/** Each letter has a key of its own, so its nonce may be constant. */
const NONCE = Buffer.alloc(12);
/** PrivateKeyInfo of an X25519 key, up to its 32 bytes. @see RFC 8410 §7 */
const PKCS8_HEAD = Buffer.from('302e020100300506032b656e04220420', 'hex');

export interface LetterboxKeys {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 32 bytes; the caller overwrites them. */
  readonly privateKey: Uint8Array;
}

export function makeLetterboxKeys(): LetterboxKeys {
  const { publicKey, privateKey } = generateKeyPairSync('x25519');
  const der = privateKey.export({ format: 'der', type: 'pkcs8' });
  const scalar = Buffer.from(der.subarray(PKCS8_HEAD.length));
  der.fill(0);
  return { publicKey: pointOf(publicKey), privateKey: scalar };
}

export function isLetter(sealed: Uint8Array): boolean {
  return sealed[0] === LETTER_VERSION;
}

/** The slot: anybody may throw something in. */
export function openSlot(publicKey: Uint8Array): (plain: Uint8Array, place: string) => Uint8Array {
  const recipient = publicKeyOf(publicKey);
  const boxId = createHash('sha256').update(publicKey).digest().subarray(0, BOX_ID_BYTES);
  return (plain, place) => {
    const ephemeral = generateKeyPairSync('x25519');
    const point = pointOf(ephemeral.publicKey);
    const secret = diffieHellman({ privateKey: ephemeral.privateKey, publicKey: recipient });
    const key = letterKey(secret, point, publicKey);
    const cipher = createCipheriv(CIPHER, key, NONCE).setAAD(Buffer.from(place, 'utf8'));
    const body = [cipher.update(plain), cipher.final()];
    key.fill(0);
    return Buffer.concat([Buffer.of(LETTER_VERSION), boxId, point, cipher.getAuthTag(), ...body]);
  };
}

/** The door. */
export interface Door {
  /** What `openSlot` of the same pair took. Throws `store.failed` otherwise. */
  open(letter: Uint8Array, place: string): Uint8Array;
  /** Overwrites the private key; it must not be used again. */
  destroy(): void;
}

/** The private key is copied: each letter makes a key object out of it, none of which lives as long as the door. */
export function openDoor({ publicKey, privateKey }: LetterboxKeys): Door {
  const own = Buffer.from(privateKey);
  return {
    open(letter, place) {
      try {
        const point = letter.subarray(POINT_AT, TAG_AT);
        const secret = diffieHellman({ privateKey: privateKeyOf(own), publicKey: publicKeyOf(point) });
        const key = letterKey(secret, point, publicKey);
        const decipher = createDecipheriv(CIPHER, key, NONCE)
          .setAAD(Buffer.from(place, 'utf8'))
          .setAuthTag(letter.subarray(TAG_AT, BODY_AT));
        key.fill(0);
        return Buffer.concat([decipher.update(letter.subarray(BODY_AT)), decipher.final()]);
      } catch {
        throw spoiled(place);
      }
    },
    destroy: () => void own.fill(0),
  };
}

/** Overwrites the agreed secret. */
function letterKey(secret: Uint8Array, point: Uint8Array, publicKey: Uint8Array): Buffer {
  const [key] = deriveKeys(secret, Buffer.concat([Buffer.from('SEKISHO-LETTER-1'), point, publicKey]));
  secret.fill(0);
  return key;
}

function pointOf(key: KeyObject): Buffer {
  return Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url');
}

function publicKeyOf(point: Uint8Array): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: base64Url(point) }, format: 'jwk' });
}

/** As DER and not as a JWK: text cannot be overwritten. */
function privateKeyOf(scalar: Uint8Array): KeyObject {
  const der = Buffer.concat([PKCS8_HEAD, scalar]);
  try {
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  } finally {
    der.fill(0);
  }
}

function base64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}
