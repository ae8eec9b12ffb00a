import type { KeyObject } from 'node:crypto';
import { ascii, concat, fromHex, uint, utf8 } from '../bytes.ts';
import { AID, type ApplicationImage, type FileImage } from '../card/image.ts';
import { RSA_MODES } from '../card/signature.ts';
import { sha256 } from '../crypto/hash.ts';
import type { Holder } from '../people.ts';
import { tlv } from '../tlv.ts';
import { CARD_KEYS, type CardSigner } from './card-signer.ts';
import { encodeRsaKey, keyId, signAsAuthority } from './cv-certificate.ts';
import { blockedPin, compactDate, file, key, pin } from './files.ts';

const PIN = '0011';
const CODE_A = '0014';
const CODE_B = '0015';
const ANY = [PIN, CODE_A, CODE_B];

/** Objects behind a table that gives each one's offset from the start of the file. */
export function withOffsetTable(
  tag: number,
  tableTag: number,
  objects: readonly Uint8Array[],
  listed = objects.length,
): Uint8Array {
  const table = tlv(tableTag, new Uint8Array(listed * 2));
  const whole = tlv(tag, table, ...objects);
  let offset = whole.length - objects.reduce((sum, object) => sum + object.length, 0);
  const offsets = objects.slice(0, listed).map((object) => {
    const at = uint(offset, 2);
    offset += object.length;
    return at;
  });
  return tlv(tag, tlv(tableTag, ...offsets), ...objects);
}

/** EF 0002, 基本4情報. */
export function makeAttributes(holder: Holder): {
  readonly encoded: Uint8Array;
  readonly signed: Uint8Array;
} {
  const objects = [
    tlv(0xdf22, utf8(holder.name)),
    tlv(0xdf23, utf8(holder.address)),
    tlv(0xdf24, ascii(compactDate(holder.birth))),
    tlv(0xdf25, ascii(holder.sex)),
  ];
  return { encoded: withOffsetTable(0xff20, 0xdf21, objects), signed: concat(...objects) };
}

function signedRecord(
  tag: number,
  signatureTag: number,
  objects: Uint8Array,
  signer: CardSigner,
): Uint8Array {
  return tlv(tag, objects, tlv(signatureTag, signAsAuthority(signer.privateKey, objects)));
}

function makeFiles(
  holder: Holder,
  individualNumber: string,
  signer: CardSigner,
  presenceKey: KeyObject,
): FileImage[] {
  const number = concat(tlv(0xff10, ascii(individualNumber)), fromHex('FFFF'));
  const attributes = makeAttributes(holder);
  const digests = concat(tlv(0xdf31, sha256(number)), tlv(0xdf32, sha256(attributes.signed)));
  const signatureKey = tlv(0xdf51, encodeRsaKey(presenceKey));
  const unknown = concat(sha256(ascii(holder.name)), new Uint8Array(96).fill(0xff));
  const identification = [
    tlv(0xdf41, fromHex('01030E01')),
    tlv(0xdf42, keyId('6000034')),
    tlv(0xdf43, unknown),
  ];
  return [
    file('0001', number, [PIN, CODE_A]),
    file('0002', attributes.encoded, [PIN, CODE_B], 16),
    file('0003', signedRecord(0xff30, 0xdf33, digests, signer), ANY),
    file('0004', signer.certificate, 'always'),
    file('0005', tlv(0xff40, ...identification), 'always'),
    file('0006', tlv(0xa1, encodeRsaKey(CARD_KEYS.sessionKey())), ANY),
    file('0007', signedRecord(0xff50, 0xdf52, signatureKey, signer), ANY),
    file('0008', new Uint8Array(16).fill(0xff), 'always'),
  ];
}

export function makeTextApplication(
  holder: Holder,
  individualNumber: string,
  signer: CardSigner,
  presenceKey: KeyObject,
): ApplicationImage {
  return {
    kind: 'text',
    aid: AID.text,
    files: makeFiles(holder, individualNumber, signer, presenceKey),
    pins: [
      pin(PIN, holder.pin, 3, true),
      blockedPin('0012'),
      pin(CODE_A, individualNumber, 10),
      pin(CODE_B, holder.verificationNumberB, 10),
    ],
    keys: [
      // P2 00 names the default key, which needs no PIN.
      { ...key('0013', presenceKey, 'always', RSA_MODES), reference: 0x00 },
      key('0006', CARD_KEYS.sessionKey(), 'never', []),
    ],
    otherReferences: [],
  };
}
