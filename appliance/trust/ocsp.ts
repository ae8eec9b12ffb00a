/**
 * OCSP: the question about one certificate, and the judgement of what comes back.
 *
 * @see RFC 6960 §4.2, §4.2.2.2 (who may answer), RFC 8954 (nonce)
 */
import { createHash } from 'node:crypto';
import { SekishoError } from '#contract/errors.ts';
import { judgeAnswer } from './answer.ts';
import {
  type Certificate,
  parseAlgorithm,
  parseCertificate,
  parseExtensions,
  parseSigned,
  type Signed,
} from './certificate.ts';
import {
  children,
  type Der,
  expect,
  MalformedDer,
  parseDer,
  parseOid,
  parseSmallInteger,
  parseTime,
  sameBytes,
  sequenceOf,
  TAG,
} from './der.ts';
import { type FreshnessPolicy, requireFresh } from './freshness.ts';
import { parseAuthority } from './known-authority.ts';
import { isIssuedBy } from './path.ts';
import { type CertIdFields, encodeOcspRequest } from './request.ts';
import { type CertificateStatus, revocationReason } from './revocation-reason.ts';
import { verifySigned } from './signature.ts';

const MAX_RESPONSE_BYTES = 65_536;
const OCSP_BASIC = '1.3.6.1.5.5.7.48.1.1';
const OCSP_NONCE = '1.3.6.1.5.5.7.48.1.2';
const OCSP_SIGNING = '1.3.6.1.5.5.7.3.9';

/** CertID hashes; SHA-1 only names the issuer here, it protects nothing. */
export type CertIdHash = 'sha1' | 'sha256';
const HASH_OID: Readonly<Record<CertIdHash, string>> = {
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
};

function certId(certificate: Certificate, issuer: Certificate, hash: CertIdHash): CertIdFields {
  return {
    hashOid: HASH_OID[hash],
    issuerNameHash: createHash(hash).update(certificate.issuer).digest(),
    issuerKeyHash: createHash(hash).update(issuer.publicKeyBits).digest(),
    serial: certificate.serial,
  };
}

export interface OcspQuestion {
  /** DER. */
  readonly certificate: Uint8Array;
  /** DER of the certificate that issued it. */
  readonly issuer: Uint8Array;
  /** 16 to 32 random bytes. */
  readonly nonce: Uint8Array;
}

/** The DER request to POST as `application/ocsp-request`. */
export function buildOcspRequest(question: OcspQuestion, hash: CertIdHash = 'sha256'): Uint8Array {
  const { certificate, issuer } = parseQuestion(question);
  return encodeOcspRequest(certId(certificate, issuer, hash), question.nonce);
}

interface ParsedQuestion {
  readonly certificate: Certificate;
  readonly issuer: Certificate;
}

/** A question is built and its answer judged with the same certificates; they go with the question. */
const parsedQuestions = new WeakMap<OcspQuestion, ParsedQuestion>();

function parseQuestion(question: OcspQuestion): ParsedQuestion {
  const known = parsedQuestions.get(question);
  if (known !== undefined) return known;
  const parsed = {
    certificate: parseCertificate(question.certificate),
    issuer: parseAuthority(question.issuer),
  };
  parsedQuestions.set(question, parsed);
  return parsed;
}

interface SingleResponse {
  readonly id: CertIdFields;
  readonly status: CertificateStatus | { readonly status: 'unknown' };
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number | undefined;
}

interface BasicResponse {
  readonly proof: Signed;
  readonly responder: Der;
  readonly nonce: Uint8Array | undefined;
  readonly responses: readonly SingleResponse[];
  readonly certificates: readonly Certificate[];
}

function explicit(node: Der): Der {
  const [inner, ...more] = children(node);
  if (inner === undefined || more.length > 0) throw new MalformedDer('explicit tag');
  return inner;
}

function parseStatus(node: Der | undefined): SingleResponse['status'] {
  if (node?.tag === 0x80) return { status: 'good' };
  if (node?.tag === 0x82) return { status: 'unknown' };
  const [time, reason] = sequenceOf(node, 0xa1);
  const code = reason && parseSmallInteger(explicit(expect(reason, 0xa0)), TAG.enumerated);
  return {
    status: 'revoked',
    reason: revocationReason(code),
    revokedAtMs: parseTime(expect(time, TAG.generalizedTime)),
  };
}

function refuseCriticalExtensions(extensions: ReturnType<typeof parseExtensions>): void {
  if ([...extensions.values()].some(({ critical }) => critical)) throw new MalformedDer('critical extension');
}

function parseSingleResponse(node: Der): SingleResponse {
  const [id, status, thisUpdate, ...optional] = sequenceOf(node);
  const [algorithm, nameHash, keyHash, serial] = sequenceOf(id);
  const nextUpdate = optional.find((part) => part.tag === 0xa0);
  const extensions = optional.find((part) => part.tag === 0xa1);
  if (extensions) refuseCriticalExtensions(parseExtensions(explicit(extensions)));
  return {
    id: {
      hashOid: parseAlgorithm(algorithm),
      issuerNameHash: expect(nameHash, TAG.octetString).value,
      issuerKeyHash: expect(keyHash, TAG.octetString).value,
      serial: expect(serial, TAG.integer).value,
    },
    status: parseStatus(status),
    thisUpdateMs: parseTime(expect(thisUpdate, TAG.generalizedTime)),
    nextUpdateMs: nextUpdate && parseTime(explicit(nextUpdate)),
  };
}

function parseBasicResponse(der: Uint8Array): BasicResponse {
  const { content, proof, rest } = parseSigned(parseDer(der, MAX_RESPONSE_BYTES));
  const fields = sequenceOf(content);
  if (fields[0]?.tag === 0xa0) fields.shift();
  const [responder, , responses, extensionsField] = fields;
  if (responder === undefined) throw new MalformedDer('responder');
  const extensions = extensionsField && parseExtensions(explicit(expect(extensionsField, 0xa1)));
  const nonce = extensions?.get(OCSP_NONCE);
  return {
    proof,
    responder: explicit(responder),
    nonce: nonce && expect(parseDer(nonce.value, 64), TAG.octetString).value,
    responses: sequenceOf(responses).map(parseSingleResponse),
    certificates: rest[0]
      ? sequenceOf(explicit(expect(rest[0], 0xa0))).map(({ bytes }) => parseAuthority(bytes))
      : [],
  };
}

function parseOcspResponse(der: Uint8Array): BasicResponse {
  const [status, body] = sequenceOf(parseDer(der, MAX_RESPONSE_BYTES));
  const code = parseSmallInteger(expect(status, TAG.enumerated), TAG.enumerated);
  if (code !== 0) throw new SekishoError('revocation.unknown', { context: { ocspStatus: code } });
  const [type, response] = sequenceOf(explicit(expect(body, 0xa0)));
  if (parseOid(expect(type, TAG.oid)) !== OCSP_BASIC) throw new MalformedDer('not a basic response');
  return parseBasicResponse(expect(response, TAG.octetString).value);
}

function isNamed(signer: Certificate, responder: Der): boolean {
  if (responder.tag === TAG.octetString) {
    return sameBytes(responder.value, createHash('sha1').update(signer.publicKeyBits).digest());
  }
  return sameBytes(responder.bytes, signer.subject);
}

/** The issuer itself, or a certificate that the same issuer key made for this very task and that is valid now. */
function authorisedSigner(basic: BasicResponse, issuer: Certificate, nowMs: number): Certificate | undefined {
  if (isNamed(issuer, basic.responder)) return issuer;
  return basic.certificates.find(
    (candidate) =>
      isNamed(candidate, basic.responder) &&
      candidate.extendedKeyUsage?.includes(OCSP_SIGNING) === true &&
      (candidate.keyUsage?.includes('digitalSignature') ?? true) &&
      candidate.notBeforeMs <= nowMs &&
      nowMs <= candidate.notAfterMs &&
      isIssuedBy(candidate, issuer),
  );
}

function isAbout(response: SingleResponse, certificate: Certificate, issuer: Certificate): boolean {
  const hash = response.id.hashOid === HASH_OID.sha1 ? 'sha1' : 'sha256';
  const wanted = certId(certificate, issuer, hash);
  return (
    response.id.hashOid === wanted.hashOid &&
    sameBytes(response.id.issuerNameHash, wanted.issuerNameHash) &&
    sameBytes(response.id.issuerKeyHash, wanted.issuerKeyHash) &&
    sameBytes(response.id.serial, wanted.serial)
  );
}

function judge(der: Uint8Array, question: OcspQuestion, policy: FreshnessPolicy): CertificateStatus {
  const { certificate, issuer } = parseQuestion(question);
  const basic = parseOcspResponse(der);
  const signer = authorisedSigner(basic, issuer, policy.nowMs);
  if (signer === undefined || !verifySigned(basic.proof, signer.publicKey)) {
    throw new SekishoError('centre.untrusted', { context: { why: 'ocsp signer' } });
  }
  if (basic.nonce === undefined || !sameBytes(basic.nonce, question.nonce)) {
    throw new SekishoError('centre.untrusted', { context: { why: 'ocsp nonce' } });
  }
  const response = basic.responses.find((one) => isAbout(one, certificate, issuer));
  if (response === undefined) throw new SekishoError('centre.garbled', { context: { why: 'ocsp answer' } });
  requireFresh(response, policy);
  if (response.status.status === 'unknown') {
    throw new SekishoError('revocation.unknown', { context: { why: 'ocsp unknown' } });
  }
  return response.status;
}

/**
 * Verifies an OCSP response for `question`. Throws `centre.garbled` (not such a response), `centre.untrusted`
 * (not from an authorised responder, or not to this question) or `revocation.unknown` (stale, or it does not know).
 */
export function verifyOcspResponse(
  der: Uint8Array,
  question: OcspQuestion,
  policy: FreshnessPolicy,
): CertificateStatus {
  return judgeAnswer(() => judge(der, question, policy));
}
