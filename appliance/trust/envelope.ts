/**
 * CMS EnvelopedData for one recipient: a fresh AES-256 key per message, wrapped for the key of the certificate.
 * RSA: key transport, RSAES-OAEP with SHA-256. EC: key agreement with an ephemeral key, AES-256 key wrap.
 *
 * @see RFC 5652 §6, RFC 3560 §3 (OAEP), RFC 5753 §3.1, §7.2 (ECDH), RFC 3565 (AES)
 */
import {
  constants,
  createCipheriv,
  createHash,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  publicEncrypt,
  randomBytes,
} from 'node:crypto';
import type { Certificate } from './certificate.ts';
import { MalformedDer, parseDer, TAG } from './der.ts';
import {
  DER_NULL,
  encodeAlgorithm,
  encodeDer,
  encodeOctetString,
  encodeOid,
  encodeSequence,
  encodeSmallInteger,
} from './der-writer.ts';

const OID = {
  data: '1.2.840.113549.1.7.1',
  envelopedData: '1.2.840.113549.1.7.3',
  sha256: '2.16.840.1.101.3.4.2.1',
  rsaesOaep: '1.2.840.113549.1.1.7',
  mgf1: '1.2.840.113549.1.1.8',
  aes256Cbc: '2.16.840.1.101.3.4.1.42',
  aes256Wrap: '2.16.840.1.101.3.4.1.45',
  /** dhSinglePass-stdDH-sha256kdf-scheme */
  ecdhSha256Kdf: '1.3.132.1.11.1',
} as const;

const AES_KEY_BYTES = 32;
const AES_BLOCK_BYTES = 16;
/** @see RFC 3394 §2.2.3.1 */
const KEY_WRAP_IV = Buffer.alloc(8, 0xa6);

const SHA256 = encodeAlgorithm(OID.sha256, DER_NULL);
const OAEP_SHA256 = encodeAlgorithm(
  OID.rsaesOaep,
  encodeSequence(encodeDer(0xa0, SHA256), encodeDer(0xa1, encodeAlgorithm(OID.mgf1, SHA256))),
);
const AES256_WRAP = encodeAlgorithm(OID.aes256Wrap);
const ECDH = encodeAlgorithm(OID.ecdhSha256Kdf, AES256_WRAP);
/** What the agreed secret is bound to: the wrapping and its key's length in bits. @see RFC 5753 §7.2 */
const SHARED_INFO = encodeSequence(AES256_WRAP, encodeDer(0xa2, encodeOctetString(Buffer.of(0, 0, 1, 0))));

/** Wraps a content key as a RecipientInfo, which also settles the version of the message. */
interface Recipient {
  readonly version: number;
  wrap(contentKey: Uint8Array): Uint8Array;
}

/** Makes the function that seals content for one recipient. Throws MalformedDer for a key of another kind. */
export function makeEnvelope(certificate: Certificate): (content: Uint8Array) => Uint8Array {
  const recipient = recipientOf(certificate);
  const head = [encodeSmallInteger(recipient.version)];
  return (content) => {
    const contentKey = randomBytes(AES_KEY_BYTES);
    const recipients = encodeDer(TAG.set, recipient.wrap(contentKey));
    const enveloped = encodeSequence(...head, recipients, encrypt(content, contentKey));
    contentKey.fill(0);
    return encodeSequence(encodeOid(OID.envelopedData), encodeDer(0xa0, enveloped));
  };
}

function recipientOf(certificate: Certificate): Recipient {
  switch (certificate.publicKey.asymmetricKeyType) {
    case 'rsa':
      return rsaRecipient(certificate);
    case 'ec':
      return ecRecipient(certificate);
    default:
      throw new MalformedDer('key algorithm');
  }
}

/** `EncryptedContentInfo` */
function encrypt(content: Uint8Array, contentKey: Uint8Array): Uint8Array {
  const iv = randomBytes(AES_BLOCK_BYTES);
  const cipher = createCipheriv('aes-256-cbc', contentKey, iv);
  return encodeSequence(
    encodeOid(OID.data),
    encodeAlgorithm(OID.aes256Cbc, encodeOctetString(iv)),
    encodeDer(0x80, cipher.update(content), cipher.final()),
  );
}

/** `IssuerAndSerialNumber` */
function nameOf({ issuer, serial }: Certificate): Uint8Array {
  return encodeSequence(issuer, encodeDer(TAG.integer, serial));
}

/** `KeyTransRecipientInfo` */
function rsaRecipient(certificate: Certificate): Recipient {
  const key = {
    key: certificate.publicKey,
    padding: constants.RSA_PKCS1_OAEP_PADDING,
    oaepHash: 'sha256',
  };
  const head = [encodeSmallInteger(0), nameOf(certificate), OAEP_SHA256];
  return {
    version: 0,
    wrap: (contentKey) => encodeSequence(...head, encodeOctetString(publicEncrypt(key, contentKey))),
  };
}

/** `KeyAgreeRecipientInfo`, which is choice [1] of RecipientInfo */
function ecRecipient(certificate: Certificate): Recipient {
  const { publicKey } = certificate;
  const namedCurve = publicKey.asymmetricKeyDetails?.namedCurve ?? '';
  const version = encodeSmallInteger(3);
  const name = nameOf(certificate);
  return {
    version: 2,
    wrap(contentKey) {
      const { privateKey } = generateKeyPairSync('ec', { namedCurve });
      const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
      // OriginatorPublicKey has the form of a SubjectPublicKeyInfo and stands under IMPLICIT [1].
      const originator = encodeDer(0xa1, parseDer(spki, spki.length).value);
      const secret = diffieHellman({ privateKey, publicKey });
      const encryptedKey = encodeOctetString(wrapKey(contentKey, deriveWrappingKey(secret)));
      const recipientKeys = encodeSequence(encodeSequence(name, encryptedKey));
      return encodeDer(0xa1, version, encodeDer(0xa0, originator), ECDH, recipientKeys);
    },
  };
}

/** X9.63 with SHA-256: one block is exactly one AES-256 key. @see SEC 1 §3.6.1 */
function deriveWrappingKey(secret: Uint8Array): Uint8Array {
  return createHash('sha256')
    .update(secret)
    .update(Buffer.of(0, 0, 0, 1))
    .update(SHARED_INFO)
    .digest();
}

function wrapKey(contentKey: Uint8Array, wrappingKey: Uint8Array): Uint8Array {
  const cipher = createCipheriv('id-aes256-wrap', wrappingKey, KEY_WRAP_IV);
  return Buffer.concat([cipher.update(contentKey), cipher.final()]);
}
