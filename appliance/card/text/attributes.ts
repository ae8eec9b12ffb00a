/** The four attributes (基本4情報) and the municipality's signature that vouches for them. @see docs/protocol-facts.md 1.5 */
import { createHash, type KeyObject, verify } from 'node:crypto';
import { concatBytes, equalBytes } from '../bytes.ts';
import { parseDataFile, type Sex } from '../card-file.ts';
import { readObjectFile } from '../commands/read-binary.ts';
import { type CvCertificate, parseCvCertificate, verifyCvCertificate } from '../cv-certificate.ts';
import type { CardExchange } from '../exchange.ts';
import { TEXT_FILE } from './application.ts';

export interface Attributes {
  /** Family and given name, with U+3000 between them. */
  readonly name: string;
  readonly address: string;
  /** YYYYMMDD */
  readonly birthDate: string;
  readonly sex: Sex;
}

/** The file as read, kept for the signature check. */
export interface SignedAttributes {
  readonly attributes: Attributes;
  /** What DF32 is the SHA-256 of: DF22 to the end, without the offset table. */
  readonly digestedBytes: Uint8Array;
}

export interface IntegrityRecord {
  /** SHA-256 of `digestedBytes`. */
  readonly attributesDigest: Uint8Array;
  readonly signedBytes: Uint8Array;
  readonly signature: Uint8Array;
}

const ATTRIBUTES = {
  file: 0xff20,
  offsets: 0xdf21,
  name: 0xdf22,
  address: 0xdf23,
  birthDate: 0xdf24,
  sex: 0xdf25,
};
const INTEGRITY = { file: 0xff30, numberDigest: 0xdf31, attributesDigest: 0xdf32, signature: 0xdf33 };

/** After the PIN or 照合番号B. Works over secure messaging too. */
export async function readAttributes(exchange: CardExchange): Promise<SignedAttributes> {
  return parseAttributes(await readObjectFile(exchange, { fileId: TEXT_FILE.attributes }));
}

export function parseAttributes(bytes: Uint8Array): SignedAttributes {
  const file = parseDataFile(bytes, ATTRIBUTES.file, ATTRIBUTES.offsets);
  const attributes = {
    name: file.text(ATTRIBUTES.name),
    address: file.text(ATTRIBUTES.address),
    birthDate: file.date(ATTRIBUTES.birthDate),
    sex: file.sex(ATTRIBUTES.sex),
  };
  const { name, address, birthDate, sex } = ATTRIBUTES;
  return { attributes, digestedBytes: file.bytesOf(name, address, birthDate, sex) };
}

export async function readIntegrityRecord(exchange: CardExchange): Promise<IntegrityRecord> {
  return parseIntegrityRecord(await readObjectFile(exchange, { fileId: TEXT_FILE.integrity }));
}

export function parseIntegrityRecord(bytes: Uint8Array): IntegrityRecord {
  const file = parseDataFile(bytes, INTEGRITY.file);
  return {
    attributesDigest: file.fixedValue(INTEGRITY.attributesDigest, 32),
    signedBytes: concatBytes(file.bytesOf(INTEGRITY.numberDigest), file.bytesOf(INTEGRITY.attributesDigest)),
    signature: file.fixedValue(INTEGRITY.signature, 256),
  };
}

/** The certificate of the key that signs the record; free to read. */
export async function readTextCertificate(exchange: CardExchange): Promise<CvCertificate> {
  return parseCvCertificate(await readObjectFile(exchange, { fileId: TEXT_FILE.certificate }));
}

/** True when the record vouches for these attributes, under a certificate of `rootKey` (which never comes off the card). */
export function verifyAttributes(
  signed: SignedAttributes,
  record: IntegrityRecord,
  certificate: CvCertificate,
  rootKey: KeyObject,
): boolean {
  const digest = createHash('sha256').update(signed.digestedBytes).digest();
  return (
    equalBytes(digest, record.attributesDigest) &&
    verifyCvCertificate(certificate, rootKey) &&
    verify('sha256', record.signedBytes, certificate.publicKey, record.signature)
  );
}
