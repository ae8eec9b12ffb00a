/**
 * RFC 3161 time stamps: the request, and everything a token must prove before it is believed.
 *
 * @see RFC 3161 §2.4, RFC 5035 (ESSCertIDv2), RFC 5652 §5.4
 */
import { createHash } from 'node:crypto';
import { SekishoError } from '#contract/errors.ts';
import { judgeAnswer } from './answer.ts';
import { loadAuthorities, type PinnedAuthorities } from './authority.ts';
import { type Certificate, parseAlgorithm, parseCertificate } from './certificate.ts';
import {
  type Der,
  expect,
  MalformedDer,
  parseDer,
  parseOid,
  parseSmallInteger,
  parseTime,
  retag,
  sameBytes,
  sequenceOf,
  TAG,
} from './der.ts';
import { type AnchorSet, validatePath } from './path.ts';
import { encodeTimeStampRequest } from './request.ts';
import { type HashName, verifyWith } from './signature.ts';
import { parseSignedData, type SignedDataFields } from './signed-data.ts';
import { USAGE_RULES } from './usage.ts';

const MAX_TOKEN_BYTES = 65_536;

const OID = {
  timeStampInfo: '1.2.840.113549.1.9.16.1.4',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
  sha256: '2.16.840.1.101.3.4.2.1',
} as const;

const HASH: Readonly<Record<string, HashName>> = {
  [OID.sha256]: 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

export interface TimeStampFacts {
  readonly genTimeMs: number;
  /** The true time is within ± this of genTime; 0 when the authority says nothing. */
  readonly accuracyMs: number;
}

export interface TimeStampQuestion {
  /** SHA-256 of what is stamped. */
  readonly digest: Uint8Array;
  readonly nonce: Uint8Array;
  /** Policy to ask for and to insist on. */
  readonly policy?: string;
}

/** The DER request to POST as `application/timestamp-query`. */
export function buildTimeStampRequest({ digest, nonce, policy }: TimeStampQuestion): Uint8Array {
  return encodeTimeStampRequest(digest, nonce, policy);
}

interface TimeStampInfo extends TimeStampFacts {
  readonly policy: string;
  readonly imprintOid: string;
  readonly imprint: Uint8Array;
  readonly nonce: Uint8Array | undefined;
}

/** `Accuracy ::= SEQUENCE { seconds INTEGER, millis [0], micros [1] }`, each optional; rounded up to milliseconds. */
function parseAccuracy(node: Der | undefined): number {
  if (node === undefined) return 0;
  const part = (tag: number): number => {
    const field = sequenceOf(node).find((candidate) => candidate.tag === tag);
    return field === undefined ? 0 : parseSmallInteger(retag(field, TAG.integer));
  };
  return part(TAG.integer) * 1000 + part(0x80) + Math.ceil(part(0x81) / 1000);
}

function parseTimeStampInfo(der: Uint8Array): TimeStampInfo {
  const [version, policy, imprint, , genTime, ...optional] = sequenceOf(parseDer(der, MAX_TOKEN_BYTES));
  if (parseSmallInteger(expect(version, TAG.integer)) !== 1) throw new MalformedDer('TSTInfo version');
  if (optional.some(({ tag }) => tag === 0xa1)) throw new MalformedDer('TSTInfo extensions');
  const [algorithm, hashed] = sequenceOf(imprint);
  return {
    policy: parseOid(expect(policy, TAG.oid)),
    imprintOid: parseAlgorithm(algorithm),
    imprint: expect(hashed, TAG.octetString).value,
    genTimeMs: parseTime(expect(genTime, TAG.generalizedTime)),
    accuracyMs: parseAccuracy(optional.find(({ tag }) => tag === TAG.sequence)),
    nonce: optional.find(({ tag }) => tag === TAG.integer)?.value,
  };
}

function untrusted(why: string): SekishoError {
  return new SekishoError('centre.untrusted', { context: { why } });
}

function hashFor(oid: string): HashName {
  const hash = HASH[oid];
  if (hash === undefined) throw untrusted('digest algorithm');
  return hash;
}

function findSigner(certificates: readonly Certificate[], { id }: SignedDataFields['signer']): Certificate {
  const signer = certificates.find((candidate) =>
    'serial' in id
      ? sameBytes(candidate.serial, id.serial) && sameBytes(candidate.issuer, id.issuer)
      : candidate.subjectKeyId !== undefined && sameBytes(candidate.subjectKeyId, id.subjectKeyId),
  );
  if (signer === undefined) throw untrusted('no signer certificate');
  return signer;
}

/** ESSCertIDv2 ties the signature to one certificate, not only to one key. @see RFC 5035 §4 */
function requireSigningCertificate(attribute: Uint8Array | undefined, signer: Certificate): void {
  if (attribute === undefined) throw untrusted('no signing certificate attribute');
  const [list] = sequenceOf(parseDer(attribute, MAX_TOKEN_BYTES));
  const [first] = sequenceOf(list);
  const fields = sequenceOf(first);
  const hash = fields[0]?.tag === TAG.sequence ? hashFor(parseAlgorithm(fields.shift())) : 'sha256';
  const wanted = createHash(hash).update(signer.der).digest();
  if (!sameBytes(expect(fields[0], TAG.octetString).value, wanted)) throw untrusted('signing certificate');
}

function requireAttributes(data: SignedDataFields, hash: HashName): void {
  const { attributes } = data.signer;
  const type = attributes.get(OID.contentType);
  const digest = attributes.get(OID.messageDigest);
  if (type === undefined || digest === undefined) throw untrusted('signed attributes');
  if (parseOid(parseDer(type, 64)) !== data.contentType) throw untrusted('content type');
  const wanted = createHash(hash).update(data.content).digest();
  if (!sameBytes(expect(parseDer(digest, 128), TAG.octetString).value, wanted))
    throw untrusted('message digest');
}

function requireSignature(signer: Certificate, { signer: proof }: SignedDataFields, hash: HashName): void {
  const kind = signer.publicKey.asymmetricKeyType === 'rsa' ? 'rsa' : 'ec';
  const genuine = verifyWith(signer.publicKey, kind, hash, proof.attributesDer, proof.signature, 'der');
  if (!genuine) throw untrusted('time-stamp signature');
}

function openToken(der: Uint8Array, pinned: AnchorSet): TimeStampInfo {
  const data = parseSignedData(der, MAX_TOKEN_BYTES);
  if (data.contentType !== OID.timeStampInfo) throw new MalformedDer('not a time stamp');
  const info = parseTimeStampInfo(data.content);
  const certificates = data.certificates.map(parseCertificate);
  const signer = findSigner(certificates, data.signer);
  const hash = hashFor(data.signer.digestOid);
  requireAttributes(data, hash);
  requireSigningCertificate(data.signer.attributes.get(OID.signingCertificateV2), signer);
  requireSignature(signer, data, hash);
  const set = { ...pinned, intermediates: [...pinned.intermediates, ...certificates] };
  const path = validatePath(signer, set, USAGE_RULES['time-stamping'], info.genTimeMs);
  if (!path.ok) throw untrusted(`time-stamp path ${path.reason}`);
  return info;
}

function requireImprint(info: TimeStampInfo, digest: Uint8Array): void {
  if (info.imprintOid !== OID.sha256 || !sameBytes(info.imprint, digest)) throw untrusted('imprint');
}

/**
 * Verifies a stored token (DER ContentInfo) over a SHA-256 digest: imprint, signed attributes, signature,
 * ESSCertIDv2, critical EKU and path to `anchors` at genTime. Throws `centre.garbled` or `centre.untrusted`.
 */
export function verifyTimeStampToken(
  token: Uint8Array,
  digest: Uint8Array,
  pinned: PinnedAuthorities,
): TimeStampFacts {
  return judgeAnswer(() => {
    const info = openToken(token, loadAuthorities(pinned));
    requireImprint(info, digest);
    return { genTimeMs: info.genTimeMs, accuracyMs: info.accuracyMs };
  });
}

/** PKIStatus granted (0) or grantedWithMods (1), and then a token. @see RFC 3161 §2.4.2 */
function tokenOf(response: Uint8Array): Uint8Array {
  const [statusInfo, token] = sequenceOf(parseDer(response, MAX_TOKEN_BYTES));
  const [status] = sequenceOf(statusInfo);
  const code = parseSmallInteger(expect(status, TAG.integer));
  if (code > 1) throw new SekishoError('time-stamp.unavailable', { context: { pkiStatus: code } });
  return Uint8Array.from(expect(token, TAG.sequence).bytes);
}

/** The nonce as an INTEGER: compared without the zeros that an encoding adds or drops. */
function sameNumber(a: Uint8Array, b: Uint8Array): boolean {
  const digits = (bytes: Uint8Array): string =>
    Buffer.from(bytes)
      .toString('hex')
      .replace(/^(?:00)+/, '');
  return digits(a) === digits(b);
}

/** Verifies the answer to `question`; also throws `time-stamp.unavailable` when the authority declined. */
export function verifyTimeStampResponse(
  response: Uint8Array,
  question: TimeStampQuestion,
  pinned: PinnedAuthorities,
): TimeStampFacts & { readonly token: Uint8Array } {
  return judgeAnswer(() => {
    const token = tokenOf(response);
    const info = openToken(token, loadAuthorities(pinned));
    requireImprint(info, question.digest);
    if (info.nonce === undefined || !sameNumber(info.nonce, question.nonce)) throw untrusted('nonce');
    if (question.policy !== undefined && info.policy !== question.policy) throw untrusted('policy');
    return { token, genTimeMs: info.genTimeMs, accuracyMs: info.accuracyMs };
  });
}
