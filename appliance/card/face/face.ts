/** EF 0002 of the card-face application: what is printed on the card, signed by the municipality. @see docs/protocol-facts.md 1.6 */
import { createHash, type KeyObject, publicDecrypt } from 'node:crypto';
import { SekishoError } from '#contract/errors.ts';
import { concatBytes, equalBytes, fromHex } from '../bytes.ts';
import { parseDataFile, type Sex } from '../card-file.ts';
import { type CvCertificate, verifyCvCertificate } from '../cv-certificate.ts';
import { parseRsaPublicKey } from '../rsa-public-key.ts';

export interface Face {
  /** YYYYMMDD */
  readonly birthDate: string;
  readonly sex: Sex;
  /** Name and address as printed: one-bit PNG. */
  readonly namePng: Uint8Array;
  readonly addressPng: Uint8Array;
  /** Greyscale JPEG 2000; `decodePhoto` makes a PNG of it. */
  readonly photoJp2: Uint8Array;
  /** Expiry of the card, YYYYMMDD. Not signed. */
  readonly expiry: string;
  /** Not signed. */
  readonly securityCodePng: Uint8Array;
  /** The card's own key: proves that this card, not a copy of its files, is present. */
  readonly publicKey: KeyObject;
  readonly signature: FaceSignature;
}

export interface FaceSignature {
  /** [DF22 to DF24], [DF25, DF26], [DF27]; each is hashed by itself. */
  readonly segments: readonly [Uint8Array, Uint8Array, Uint8Array];
  readonly value: Uint8Array;
}

const TAG = {
  file: 0xff20,
  offsets: 0xdf21,
  birthDate: 0xdf22,
  sex: 0xdf23,
  publicKey: 0xdf24,
  name: 0xdf25,
  address: 0xdf26,
  photo: 0xdf27,
  signature: 0xdf28,
  expiry: 0xdf29,
  securityCode: 0xdf2a,
} as const;

const PNG_SIGNATURE = fromHex('89504E470D0A1A0A');

export function parseFace(bytes: Uint8Array): Face {
  const file = parseDataFile(bytes, TAG.file, TAG.offsets);
  const segments = [
    file.bytesOf(TAG.birthDate, TAG.sex, TAG.publicKey),
    file.bytesOf(TAG.name, TAG.address),
    file.bytesOf(TAG.photo),
  ] as const;
  return {
    birthDate: file.date(TAG.birthDate),
    sex: file.sex(TAG.sex),
    namePng: requirePng(file.value(TAG.name)),
    addressPng: requirePng(file.value(TAG.address)),
    photoJp2: file.value(TAG.photo),
    expiry: file.date(TAG.expiry),
    securityCodePng: requirePng(file.value(TAG.securityCode)),
    publicKey: parseRsaPublicKey(file.value(TAG.publicKey)),
    signature: { segments, value: file.fixedValue(TAG.signature, 256) },
  };
}

/** These bytes go to a browser as image/png, so they at least say that they are one. */
function requirePng(bytes: Uint8Array): Uint8Array {
  if (equalBytes(bytes.subarray(0, PNG_SIGNATURE.length), PNG_SIGNATURE)) return bytes;
  throw new SekishoError('card.protocol', { context: { layer: 'face', reason: 'not a PNG' } });
}

/** DigestInfo of SHA-256, but with an OCTET STRING of three digests (96 bytes). @see docs/protocol-facts.md 1.6; myna-card `data.rs` */
const THREE_DIGESTS_PREFIX = fromHex('3071300D060960864801650304020105000460');

/** True when the municipality's key signed this face, under a certificate of `rootKey` (which never comes off the card). */
export function verifyFace(face: Face, certificate: CvCertificate, rootKey: KeyObject): boolean {
  if (!verifyCvCertificate(certificate, rootKey)) return false;
  const digests = face.signature.segments.map((segment) => createHash('sha256').update(segment).digest());
  try {
    // Checks the whole PKCS#1 v1.5 block and answers what is inside. @see RFC 8017 §8.2.2
    const signed = publicDecrypt(certificate.publicKey, face.signature.value);
    return equalBytes(signed, concatBytes(THREE_DIGESTS_PREFIX, ...digests));
  } catch {
    return false;
  }
}
