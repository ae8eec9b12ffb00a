/** The two questions that we ask in DER: to an OCSP responder and to a time-stamp authority. */
import { TAG } from './der.ts';
import {
  DER_NULL,
  encodeAlgorithm,
  encodeDer,
  encodeOctetString,
  encodeOid,
  encodeSequence,
  encodeSmallInteger,
  encodeUnsignedInteger,
} from './der-writer.ts';

const OCSP_NONCE = '1.3.6.1.5.5.7.48.1.2';
const SHA256 = '2.16.840.1.101.3.4.2.1';

export interface CertIdFields {
  readonly hashOid: string;
  readonly issuerNameHash: Uint8Array;
  readonly issuerKeyHash: Uint8Array;
  /** Contents of the serial INTEGER as in the certificate. */
  readonly serial: Uint8Array;
}

/** OCSPRequest for one certificate. @see RFC 6960 §4.1, RFC 8954 §2.1 */
export function encodeOcspRequest(id: CertIdFields, nonce: Uint8Array): Uint8Array {
  const certId = encodeSequence(
    encodeAlgorithm(id.hashOid, DER_NULL),
    encodeOctetString(id.issuerNameHash),
    encodeOctetString(id.issuerKeyHash),
    encodeDer(TAG.integer, id.serial),
  );
  const nonceExtension = encodeSequence(encodeOid(OCSP_NONCE), encodeOctetString(encodeOctetString(nonce)));
  const requestList = encodeSequence(encodeSequence(certId));
  return encodeSequence(encodeSequence(requestList, encodeDer(0xa2, encodeSequence(nonceExtension))));
}

/** TimeStampReq over a SHA-256 digest, asking for the signer's certificate. @see RFC 3161 §2.4.1 */
export function encodeTimeStampRequest(
  digest: Uint8Array,
  nonce: Uint8Array,
  policy: string | undefined,
): Uint8Array {
  return encodeSequence(
    encodeSmallInteger(1),
    encodeSequence(encodeAlgorithm(SHA256, DER_NULL), encodeOctetString(digest)),
    ...(policy === undefined ? [] : [encodeOid(policy)]),
    encodeUnsignedInteger(nonce),
    encodeDer(TAG.boolean, Buffer.of(0xff)),
  );
}
