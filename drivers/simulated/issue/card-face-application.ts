import { constants, type KeyObject, privateEncrypt } from 'node:crypto';
import { ascii, concat, fromHex } from '../bytes.ts';
import { AID, type ApplicationImage, type FileImage } from '../card/image.ts';
import { RSA_MODES } from '../card/signature.ts';
import { sha256 } from '../crypto/hash.ts';
import type { CardFaceImages, Holder } from '../people.ts';
import { tlv } from '../tlv.ts';
import type { CardSigner } from './card-signer.ts';
import { encodeRsaKey, keyId, signAsAuthority } from './cv-certificate.ts';
import { compactDate, file, key, pin } from './files.ts';
import { withOffsetTable } from './text-application.ts';

const BIRTH = '0011';
const CODE_B = '0012';
const CODE_A = '0013';

function signed(signer: CardSigner, tag: number, message: Uint8Array): Uint8Array {
  return tlv(tag, signAsAuthority(signer.privateKey, message));
}

/** EF 0001: the least that a terminal can be told, an age. */
function makeAgeRecord(birth: Uint8Array, publicKey: Uint8Array, signer: CardSigner): Uint8Array {
  const objects = concat(tlv(0xdf11, birth), tlv(0xdf12, publicKey));
  return tlv(0xff10, objects, signed(signer, 0xdf13, objects));
}

/** DigestInfo header as real cards have it: SHA-256, and three digests in one OCTET STRING of 96 bytes. */
const THREE_DIGESTS = fromHex('3071300D060960864801650304020105000460');

/** PKCS#1 v1.5 without hashing once more: the block holds the three digests themselves. */
function signDigests(signer: CardSigner, digests: Uint8Array): Uint8Array {
  const padding = constants.RSA_PKCS1_PADDING;
  return new Uint8Array(privateEncrypt({ key: signer.privateKey, padding }, concat(THREE_DIGESTS, digests)));
}

/** EF 0002: the face. The signature covers the hashes of three segments; DF29 and DF2A stand outside it. */
function makeFace(
  holder: Holder,
  images: CardFaceImages,
  publicKey: Uint8Array,
  signer: CardSigner,
): Uint8Array {
  const person = [
    tlv(0xdf22, ascii(compactDate(holder.birth))),
    tlv(0xdf23, ascii(holder.sex)),
    tlv(0xdf24, publicKey),
  ];
  const texts = [tlv(0xdf25, images.namePng), tlv(0xdf26, images.addressPng)];
  const photo = tlv(0xdf27, images.photoJp2);
  const digests = concat(sha256(...person), sha256(...texts), sha256(photo));
  return withOffsetTable(0xff20, 0xdf21, [
    ...person,
    ...texts,
    photo,
    tlv(0xdf28, signDigests(signer, digests)),
    tlv(0xdf29, ascii(compactDate(holder.cardExpiry))),
    tlv(0xdf2a, images.securityCodePng),
  ]);
}

function makeBasicData(municipality: string): Uint8Array {
  const reference = concat(keyId('6000024'), new Uint8Array(256).fill(0x5a));
  return tlv(
    0xff30,
    tlv(0xdf31, fromHex('06030E01')),
    tlv(0xdf32, keyId('6000024')),
    tlv(0xdf33, Uint8Array.of(1)),
    tlv(0xdf34, ascii(municipality)),
    tlv(0xdf35, reference),
  );
}

export function makeCardFaceApplication(
  holder: Holder,
  individualNumber: string,
  municipality: string,
  images: CardFaceImages,
  signer: CardSigner,
  presenceKey: KeyObject,
): ApplicationImage {
  const publicKey = encodeRsaKey(presenceKey);
  const number = concat(tlv(0xdf41, images.numberPng), tlv(0xdf42, publicKey));
  const files: FileImage[] = [
    file('0001', makeAgeRecord(ascii(compactDate(holder.birth)), publicKey, signer), [BIRTH, CODE_B]),
    file('0002', makeFace(holder, images, publicKey, signer), [CODE_A, CODE_B], 256),
    file('0003', makeBasicData(municipality), 'always'),
    file('0004', signer.certificate, 'always'),
    file('0005', tlv(0xff40, number, signed(signer, 0xdf43, number)), [CODE_A]),
    file('0006', new Uint8Array(16).fill(0xff), [CODE_A, CODE_B]),
  ];
  return {
    kind: 'card-face',
    aid: AID.cardFace,
    files,
    pins: [
      pin(BIRTH, holder.verificationNumberB.slice(0, 6), 10),
      pin(CODE_B, holder.verificationNumberB, 10),
      pin(CODE_A, individualNumber, 10),
    ],
    // P2 00 names the default key, which needs no PIN; its file id is not published.
    keys: [{ ...key('0010', presenceKey, 'always', RSA_MODES), reference: 0x00 }],
    otherReferences: [],
  };
}
