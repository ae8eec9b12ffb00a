/** Is the certificate on the card one that we may rely on today? Path first, then revocation. */
import type { ErrorCode } from '#contract/errors.ts';
import { SekishoError, toSekishoError } from '#contract/errors.ts';
import type { CertificateFacts, Trust, TrustPurpose } from '#trust/ports.ts';
import type { JpkiRevocationReason, RevocationService, RevocationStatus } from '#upstream/ports.ts';

type PathProblem = 'expired' | 'not-yet-valid' | 'untrusted' | 'wrong-usage';

const PATIENT_PATH_ERROR: Record<PathProblem, ErrorCode> = {
  expired: 'patient.certificate-expired',
  'not-yet-valid': 'patient.certificate-untrusted',
  untrusted: 'patient.certificate-untrusted',
  'wrong-usage': 'patient.certificate-untrusted',
};

const OPERATOR_PATH_ERROR: Record<PathProblem, ErrorCode> = {
  expired: 'operator.certificate-expired',
  'not-yet-valid': 'operator.certificate-untrusted',
  untrusted: 'operator.certificate-untrusted',
  'wrong-usage': 'operator.certificate-untrusted',
};

/** Each JPKI reason has its own text, because each needs another next step. */
export const REVOCATION_ERROR: Record<JpkiRevocationReason, ErrorCode> = {
  'affiliation-changed': 'patient.revoked-affiliation-changed',
  hold: 'patient.revoked-hold',
  superseded: 'patient.revoked-superseded',
  cessation: 'patient.revoked-cessation',
  'key-compromise': 'patient.revoked-key-compromise',
  other: 'patient.revoked-other',
};

/** Validates the path; throws `patient.*` or `operator.*`. Answers the issuer, which OCSP needs. */
export async function requirePath(
  trust: Trust,
  certificate: CertificateFacts,
  purpose: TrustPurpose,
  atMs: number,
  whose: 'patient' | 'operator',
): Promise<CertificateFacts> {
  const path = await trust.validate(certificate, purpose, atMs);
  if (path.ok) return path.issuer;
  throw new SekishoError((whose === 'patient' ? PATIENT_PATH_ERROR : OPERATOR_PATH_ERROR)[path.reason]);
}

export type RevocationResult = RevocationStatus | { readonly status: 'unknown'; readonly why: ErrorCode };

/** Asks for the revocation status; not knowing is an answer, not a failure. Never rejects. */
export async function checkRevocation(
  revocation: RevocationService,
  certificate: CertificateFacts,
  issuer: CertificateFacts,
  signal: AbortSignal,
): Promise<RevocationResult> {
  try {
    return await revocation.status(certificate.der, issuer.der, signal);
  } catch (thrown) {
    return { status: 'unknown', why: toSekishoError(thrown).code };
  }
}

/** JPKI certificates may be renewed from three months before they end: telling earlier helps nobody. */
const WARNING_DAYS = 90;

/** Whole days until the certificate ends, when that is near enough to tell the patient. */
export function daysToWarn(notAfterMs: number, nowMs: number): number | undefined {
  const days = Math.floor((notAfterMs - nowMs) / 86_400_000);
  return days <= WARNING_DAYS ? days : undefined;
}
