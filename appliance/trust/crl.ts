/**
 * Certificate revocation list: verified once, then looked up by serial number.
 * Own reader instead of a library: a regional list has 10^5 entries, and one object per field would stop the event loop.
 *
 * @see RFC 5280 §5
 */
import { SekishoError } from '#contract/errors.ts';
import { judgeAnswer } from './answer.ts';
import {
  type Certificate,
  contents,
  EXTENSION,
  type Extension,
  parseCertificate,
  parseExtensions,
  parseSigned,
} from './certificate.ts';
import {
  children,
  type Der,
  expect,
  MalformedDer,
  parseBoolean,
  parseDer,
  parseSmallInteger,
  parseTime,
  retag,
  sameBytes,
  sequenceOf,
  TAG,
} from './der.ts';
import { type FreshnessPolicy, requireFresh } from './freshness.ts';
import { type CertificateStatus, revocationReason } from './revocation-reason.ts';
import { verifySigned } from './signature.ts';

const MAX_CRL_BYTES = 32 * 1024 * 1024;
const CRL_REASON = '2.5.29.21';
const ISSUING_DISTRIBUTION_POINT = '2.5.29.28';

/** A verified list of one issuer. */
export interface VerifiedCrl {
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number | undefined;
  /** Serial (hex of the INTEGER contents) to its entry, decoded when asked for. */
  readonly entries: ReadonlyMap<string, Der>;
  /** The partition that the list covers (GeneralNames DER), when it is not the whole. */
  readonly partition: Uint8Array | undefined;
}

/** Only complete lists for end entities are of use; a distribution point restricts which. @see RFC 5280 §5.2.5 */
function parsePartition(extension: Extension | undefined): Uint8Array | undefined {
  if (extension === undefined) return undefined;
  let partition: Uint8Array | undefined;
  for (const field of children(expect(contents(extension), TAG.sequence))) {
    if (field.tag === 0xa0) partition = field.value;
    else if (field.tag !== 0x81 || !parseBoolean(retag(field, TAG.boolean))) {
      throw new MalformedDer('partial or indirect list');
    }
  }
  return partition;
}

function parseEntries(list: Der | undefined): Map<string, Der> {
  const entries = new Map<string, Der>();
  if (list === undefined) return entries;
  for (const entry of children(list)) {
    const [serial] = children(expect(entry, TAG.sequence));
    entries.set(Buffer.from(expect(serial, TAG.integer).value).toString('hex'), entry);
  }
  return entries;
}

function parseCrl(der: Uint8Array, issuer: Certificate): VerifiedCrl {
  const { content, proof, rest } = parseSigned(parseDer(der, MAX_CRL_BYTES));
  const mayList = issuer.keyUsage?.includes('cRLSign') ?? true;
  if (!mayList || !verifySigned(proof, issuer.publicKey)) {
    throw new SekishoError('centre.untrusted', { context: { why: 'crl signature' } });
  }
  const [version, , name, thisUpdate, ...tail] = sequenceOf(content);
  if (rest.length > 0 || thisUpdate === undefined || parseSmallInteger(expect(version, TAG.integer)) !== 1) {
    throw new MalformedDer('not a v2 CRL');
  }
  if (!sameBytes(expect(name, TAG.sequence).bytes, issuer.subject))
    throw new MalformedDer('CRL of another issuer');
  const nextUpdate = tail.find(({ tag }) => tag === TAG.utcTime || tag === TAG.generalizedTime);
  const extensionsField = tail.find(({ tag }) => tag === 0xa0);
  const extensions = parseExtensions(extensionsField && [...children(extensionsField)][0]);
  for (const [id, { critical }] of extensions) {
    if (critical && id !== ISSUING_DISTRIBUTION_POINT) throw new MalformedDer('critical CRL extension');
  }
  return {
    thisUpdateMs: parseTime(thisUpdate),
    nextUpdateMs: nextUpdate && parseTime(nextUpdate),
    entries: parseEntries(tail.find(({ tag }) => tag === TAG.sequence)),
    partition: parsePartition(extensions.get(ISSUING_DISTRIBUTION_POINT)),
  };
}

function coveredBy(certificate: Certificate, partition: Uint8Array): boolean {
  const points = certificate.extensions.get(EXTENSION.crlDistributionPoints);
  if (points === undefined) return false;
  return sequenceOf(contents(points)).some((point) =>
    sequenceOf(point).some((field) => field.tag === 0xa0 && sameBytes(field.value, partition)),
  );
}

function parseEntry(entry: Der): CertificateStatus {
  const [, time, extensionsNode] = sequenceOf(entry);
  if (time === undefined) throw new MalformedDer('CRL entry');
  const extensions = extensionsNode && parseExtensions(extensionsNode);
  for (const [id, { critical }] of extensions ?? []) {
    if (critical && id !== CRL_REASON) throw new MalformedDer('critical CRL entry extension');
  }
  const reason = extensions?.get(CRL_REASON);
  const code = reason && parseSmallInteger(contents(reason), TAG.enumerated);
  return { status: 'revoked', reason: revocationReason(code), revokedAtMs: parseTime(time) };
}

/** Verifies a complete CRL by `issuer` (DER). Throws `centre.garbled` or `centre.untrusted`. */
export function verifyCrl(der: Uint8Array, issuer: Uint8Array): VerifiedCrl {
  return judgeAnswer(() => parseCrl(der, parseCertificate(issuer)));
}

/** Looks one certificate (DER) up; throws `revocation.unknown` when the list is stale or does not cover it. */
export function lookUpCrl(
  crl: VerifiedCrl,
  certificateDer: Uint8Array,
  policy: FreshnessPolicy,
): CertificateStatus {
  return judgeAnswer(() => {
    requireFresh(crl, policy);
    const certificate = parseCertificate(certificateDer);
    if (crl.partition !== undefined && !coveredBy(certificate, crl.partition)) {
      throw new SekishoError('revocation.unknown', { context: { why: 'other partition' } });
    }
    const entry = crl.entries.get(Buffer.from(certificate.serial).toString('hex'));
    return entry === undefined ? { status: 'good' } : parseEntry(entry);
  });
}
