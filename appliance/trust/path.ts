/**
 * Path validation to pinned anchors, for one purpose at one moment.
 * The issuer is found by key: JPKI has had three generations of CA with one distinguished name.
 *
 * @see RFC 5280 §6.1; policy mapping, name constraints and policy constraints are refused rather than half done
 */
import { type Certificate, EXTENSION, type KeyUsage } from './certificate.ts';
import { sameBytes } from './der.ts';
import { verifySigned } from './signature.ts';

/** What is pinned for one purpose. */
export interface AnchorSet {
  /** Trusted by being listed. */
  readonly anchors: readonly Certificate[];
  /** Known but not trusted by themselves: CAs between a card and an anchor (HPKI has one level). */
  readonly intermediates: readonly Certificate[];
  /** The end entity must assert one of these; empty accepts any. */
  readonly acceptedPolicies: readonly string[];
}

/** What the end entity must be fit for. */
export interface UsageRule {
  /** One of these, when the certificate limits its key usage at all. */
  readonly keyUsage: readonly KeyUsage[];
  /** Extended usage that must be allowed; `only` = must be present, critical and alone (RFC 3161 §2.3). */
  readonly extendedKeyUsage?: { readonly oid: string; readonly only: boolean };
}

export type PathProblem = 'expired' | 'not-yet-valid' | 'untrusted' | 'wrong-usage';

export type PathResult =
  | { readonly ok: true; readonly issuer: Certificate }
  | { readonly ok: false; readonly reason: PathProblem };

const MAX_INTERMEDIATES = 4;
const ANY_POLICY = '2.5.29.32.0';
const ANY_EXTENDED_KEY_USAGE = '2.5.29.37.0';

/** Critical extensions that are judged here or carry nothing to judge. @see RFC 5280 §4.2 */
const UNDERSTOOD: ReadonlySet<string> = new Set([
  EXTENSION.keyUsage,
  EXTENSION.basicConstraints,
  EXTENSION.certificatePolicies,
  EXTENSION.extendedKeyUsage,
  EXTENSION.subjectAltName,
]);

function understood(certificate: Certificate): boolean {
  return [...certificate.extensions].every(([id, { critical }]) => !critical || UNDERSTOOD.has(id));
}

function validAt(certificate: Certificate, atMs: number): boolean {
  return certificate.notBeforeMs <= atMs && atMs <= certificate.notAfterMs;
}

function mayIssue(authority: Certificate, intermediatesBelow: number): boolean {
  const { ca, pathLength } = authority.authority;
  const keyUsageAllows = authority.keyUsage?.includes('keyCertSign') ?? true;
  return ca && keyUsageAllows && (pathLength === undefined || intermediatesBelow <= pathLength);
}

/** True when `issuer`'s key made `certificate`'s signature; the key identifiers only save the arithmetic. */
export function isIssuedBy(certificate: Certificate, issuer: Certificate): boolean {
  if (!sameBytes(certificate.issuer, issuer.subject)) return false;
  const { authorityKeyId } = certificate;
  if (authorityKeyId && issuer.subjectKeyId && !sameBytes(authorityKeyId, issuer.subjectKeyId)) return false;
  return verifySigned(certificate, issuer.publicKey);
}

function allowsPolicy(authority: Certificate, policies: readonly string[]): boolean {
  return authority.policies.some((policy) => policy === ANY_POLICY || policies.includes(policy));
}

/** Policies of `acceptedPolicies` that the end entity asserts. */
function assertedPolicies(certificate: Certificate, set: AnchorSet): readonly string[] {
  return certificate.policies.filter((policy) => set.acceptedPolicies.includes(policy));
}

function fitFor(certificate: Certificate, rule: UsageRule): boolean {
  const { keyUsage, extendedKeyUsage } = certificate;
  if (keyUsage !== undefined && !rule.keyUsage.some((usage) => keyUsage.includes(usage))) return false;
  if (rule.extendedKeyUsage === undefined) return true;
  const { oid, only } = rule.extendedKeyUsage;
  if (!only) return extendedKeyUsage?.some((id) => id === oid || id === ANY_EXTENDED_KEY_USAGE) ?? true;
  const critical = certificate.extensions.get(EXTENSION.extendedKeyUsage)?.critical === true;
  return critical && extendedKeyUsage?.length === 1 && extendedKeyUsage[0] === oid;
}

/** Climbs from `certificate`; answers its direct issuer when the climb ends at an anchor. */
function climb(
  certificate: Certificate,
  set: AnchorSet,
  policies: readonly string[],
  atMs: number,
  below: number,
): Certificate | undefined {
  for (const anchor of set.anchors) {
    if (mayIssue(anchor, below) && validAt(anchor, atMs) && isIssuedBy(certificate, anchor)) return anchor;
  }
  if (below >= MAX_INTERMEDIATES) return undefined;
  for (const authority of set.intermediates) {
    const policyHolds = set.acceptedPolicies.length === 0 || allowsPolicy(authority, policies);
    if (!policyHolds || !mayIssue(authority, below) || !validAt(authority, atMs) || !understood(authority))
      continue;
    if (!isIssuedBy(certificate, authority)) continue;
    if (climb(authority, set, policies, atMs, below + 1) !== undefined) return authority;
  }
  return undefined;
}

/** Validates `certificate` against `set`; the first problem that a person could act on is named. */
export function validatePath(
  certificate: Certificate,
  set: AnchorSet,
  rule: UsageRule,
  atMs: number,
): PathResult {
  const policies = assertedPolicies(certificate, set);
  const issuer = climb(certificate, set, policies, atMs, 0);
  if (issuer === undefined) return { ok: false, reason: 'untrusted' };
  if (set.acceptedPolicies.length > 0 && policies.length === 0) return { ok: false, reason: 'wrong-usage' };
  if (certificate.authority.ca || !understood(certificate) || !fitFor(certificate, rule)) {
    return { ok: false, reason: 'wrong-usage' };
  }
  if (atMs < certificate.notBeforeMs) return { ok: false, reason: 'not-yet-valid' };
  if (atMs > certificate.notAfterMs) return { ok: false, reason: 'expired' };
  return { ok: true, issuer };
}
