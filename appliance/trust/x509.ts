/** X.509 questions of the gateway, answered. The port is `ports.ts`. */
import { createHash } from 'node:crypto';
import { SekishoError } from '#contract/errors.ts';
import { loadAuthorities, loadCertificates, type PinnedAuthorities } from './authority.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import { MalformedDer } from './der.ts';
import { makeEnvelope } from './envelope.ts';
import { parseHealthcareRoles } from './healthcare-role.ts';
import { type AnchorSet, validatePath } from './path.ts';
import type { CertificateFacts, Trust, TrustPurpose } from './ports.ts';
import { type HashName, verifyWith } from './signature.ts';
import { USAGE_RULES } from './usage.ts';

export interface TrustOptions {
  readonly authorities: Readonly<Record<TrustPurpose, PinnedAuthorities>>;
  /** The SP's audit certificate (RSA, P-256 or P-384), DER or PEM. */
  readonly auditCertificate: Uint8Array | string;
}

const ALGORITHMS: Readonly<Record<string, { algorithm: CertificateFacts['algorithm']; hash: HashName }>> = {
  'rsa-2048': { algorithm: 'rsa-2048', hash: 'sha256' },
  prime256v1: { algorithm: 'p-256', hash: 'sha256' },
  secp384r1: { algorithm: 'p-384', hash: 'sha384' },
};

function algorithmOf(certificate: Certificate): { algorithm: CertificateFacts['algorithm']; hash: HashName } {
  const { asymmetricKeyType, asymmetricKeyDetails: details } = certificate.publicKey;
  const name = asymmetricKeyType === 'rsa' ? `rsa-${details?.modulusLength}` : details?.namedCurve;
  const known = ALGORITHMS[name ?? ''];
  if (known === undefined) throw new MalformedDer('key algorithm');
  return known;
}

function describe(certificate: Certificate): CertificateFacts {
  return {
    der: certificate.der,
    serial: certificate.serial,
    issuerDer: certificate.issuer,
    subjectPublicKeyInfo: certificate.subjectPublicKeyInfo,
    keyId: createHash('sha256').update(certificate.subjectPublicKeyInfo).digest('hex'),
    algorithm: algorithmOf(certificate).algorithm,
    notBeforeMs: certificate.notBeforeMs,
    notAfterMs: certificate.notAfterMs,
    keyUsage: certificate.keyUsage ?? [],
    policies: certificate.policies,
    healthcareRoles: parseHealthcareRoles(certificate),
  };
}

/** Every CA described once, so that a key we cannot speak of is a start-up error and not a tap's. */
function describeAll(sets: readonly AnchorSet[]): ReadonlyMap<Certificate, CertificateFacts> {
  const authorities = sets.flatMap(({ anchors, intermediates }) => [...anchors, ...intermediates]);
  try {
    return new Map(authorities.map((authority) => [authority, describe(authority)]));
  } catch (cause) {
    throw new SekishoError('config.invalid', { cause, context: { what: 'key of a pinned certificate' } });
  }
}

function loadSeal(auditCertificate: Uint8Array | string): Trust['sealForAudit'] {
  try {
    const [auditor] = loadCertificates([auditCertificate]);
    if (auditor === undefined) throw new MalformedDer('no certificate');
    const seal = makeEnvelope(auditor);
    return async (content) => seal(content);
  } catch (cause) {
    throw new SekishoError('config.invalid', { cause, context: { what: 'audit certificate' } });
  }
}

/** Makes the answers from what is pinned; throws `config.invalid` when that is not certificates. */
export function makeTrust(options: TrustOptions): Trust {
  const { authorities } = options;
  const sets: Readonly<Record<TrustPurpose, AnchorSet>> = {
    'jpki-authentication': loadAuthorities(authorities['jpki-authentication']),
    'hpki-authentication': loadAuthorities(authorities['hpki-authentication']),
    'sam-device': loadAuthorities(authorities['sam-device']),
    'time-stamping': loadAuthorities(authorities['time-stamping']),
  };
  const issuers = describeAll(Object.values(sets));
  const parsed = new WeakMap<CertificateFacts, Certificate>();
  const certificateOf = (facts: CertificateFacts): Certificate =>
    parsed.get(facts) ?? parseCertificate(facts.der);

  return {
    parse(der) {
      try {
        const certificate = parseCertificate(der);
        const facts = describe(certificate);
        parsed.set(facts, certificate);
        return facts;
      } catch (cause) {
        if (cause instanceof MalformedDer) throw new SekishoError('card.protocol', { cause });
        throw cause;
      }
    },
    async validate(certificate, purpose, atMs) {
      const result = validatePath(certificateOf(certificate), sets[purpose], USAGE_RULES[purpose], atMs);
      return result.ok ? { ok: true, issuer: issuers.get(result.issuer) ?? describe(result.issuer) } : result;
    },
    verifyMessage(facts, message, signature) {
      const certificate = certificateOf(facts);
      const kind = certificate.publicKey.asymmetricKeyType === 'rsa' ? 'rsa' : 'ec';
      const { hash } = algorithmOf(certificate);
      return verifyWith(certificate.publicKey, kind, hash, message, signature, 'ieee-p1363');
    },
    sealForAudit: loadSeal(options.auditCertificate),
  };
}
