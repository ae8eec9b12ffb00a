/** TimeStampResp and its token (RFC 3161 §2.4.2; ESSCertIDv2 of RFC 5816; SignedData of RFC 5652 §5). */
import { createHash, randomBytes } from 'node:crypto';
import { context, integer, namedBits, octetString, oid, sequence, setOf, utf8String } from '../asn1/der.ts';
import { preciseTime } from '../asn1/time.ts';
import { MalformedDer } from '../asn1/tlv.ts';
import { encodeSignatureAlgorithm, signBytes } from '../pki/algorithm.ts';
import type { Credential } from '../pki/authority.ts';
import { parseTimeStampRequest, type TimeStampRequest } from './request.ts';

/** Our only policy, under the arc for examples (Rec. ITU-T X.660 §A.5). */
export const TIME_STAMP_POLICY = '2.999.1.1';

const OID = {
  signedData: '1.2.840.113549.1.7.2',
  tstInfo: '1.2.840.113549.1.9.16.1.4',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
  sha256: '2.16.840.1.101.3.4.2.1',
} as const;

const DIGEST_BYTES: Readonly<Record<string, number>> = {
  [OID.sha256]: 32,
  '2.16.840.1.101.3.4.2.2': 48,
  '2.16.840.1.101.3.4.2.3': 64,
};

/** PKIFailureInfo bits (§2.4.2). */
const FAILURE = { badAlg: 0, badDataFormat: 5, unacceptedPolicy: 15, unacceptedExtension: 16 } as const;
type Failure = keyof typeof FAILURE;

const ACCURACY_MS = 100;

export interface TimeStamper {
  readonly credential: Credential;
  readonly nowMs: () => number;
}

export function answerTimeStamp(timeStamper: TimeStamper, der: Uint8Array): Buffer {
  let request: TimeStampRequest;
  try {
    request = parseTimeStampRequest(der);
  } catch (thrown) {
    if (thrown instanceof MalformedDer) return encodeRejection('badDataFormat');
    throw thrown;
  }
  const failure = findFailure(request);
  if (failure !== undefined) return encodeRejection(failure);
  return sequence(sequence(integer(0)), signToken(timeStamper, request));
}

function findFailure(request: TimeStampRequest): Failure | undefined {
  const digestBytes = DIGEST_BYTES[request.hashOid];
  if (digestBytes === undefined) return 'badAlg';
  if (request.digest.length !== digestBytes) return 'badDataFormat';
  if (request.policy !== undefined && request.policy !== TIME_STAMP_POLICY) return 'unacceptedPolicy';
  return request.hasExtensions ? 'unacceptedExtension' : undefined;
}

const encodeRejection = (failure: Failure): Buffer =>
  sequence(sequence(integer(2), sequence(utf8String(failure)), namedBits(FAILURE[failure])));

function encodeTstInfo(timeStamper: TimeStamper, request: TimeStampRequest): Buffer {
  const { certificate } = timeStamper.credential;
  return sequence(
    integer(1),
    oid(TIME_STAMP_POLICY),
    request.imprint,
    integer(randomBytes(12)),
    preciseTime(timeStamper.nowMs()),
    sequence(integer(0), millis(ACCURACY_MS)),
    ...(request.nonce === undefined ? [] : [request.nonce]),
    context(0, context(4, certificate.subject)),
  );
}

/** Accuracy.millis is `[0] IMPLICIT INTEGER`. */
const millis = (value: number): Buffer => integer(value, 0x80);

function signToken({ credential, nowMs }: TimeStamper, request: TimeStampRequest): Buffer {
  const { key, certificate } = credential;
  const sha256 = sequence(oid(OID.sha256));
  const tstInfo = encodeTstInfo({ credential, nowMs }, request);
  const attributes = encodeSignedAttributes(credential, tstInfo);
  const signerInfo = sequence(
    integer(1),
    sequence(certificate.issuer, integer(certificate.serial)),
    sha256,
    // `[0] IMPLICIT` in place of the SET OF tag that is signed (RFC 5652 §5.4).
    Buffer.concat([Buffer.of(0xa0), attributes.subarray(1)]),
    encodeSignatureAlgorithm(key),
    octetString(signBytes(key, attributes)),
  );
  const signedData = sequence(
    integer(3),
    setOf(sha256),
    sequence(oid(OID.tstInfo), context(0, octetString(tstInfo))),
    ...(request.certReq ? [context(0, certificate.der)] : []),
    setOf(signerInfo),
  );
  return sequence(oid(OID.signedData), context(0, signedData));
}

function encodeSignedAttributes({ certificate }: Credential, tstInfo: Buffer): Buffer {
  const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();
  const issuerSerial = sequence(sequence(context(4, certificate.issuer)), integer(certificate.serial));
  // ESSCertIDv2 with its default hash, SHA-256 (RFC 5035 §4).
  const essCertId = sequence(octetString(sha256(certificate.der)), issuerSerial);
  const attribute = (id: string, value: Buffer): Buffer => sequence(oid(id), setOf(value));
  return setOf(
    attribute(OID.contentType, oid(OID.tstInfo)),
    attribute(OID.messageDigest, octetString(sha256(tstInfo))),
    attribute(OID.signingCertificateV2, sequence(sequence(essCertId))),
  );
}
