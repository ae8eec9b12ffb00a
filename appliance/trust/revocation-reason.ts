/** What a revocation list or responder says about one certificate, in the words of the JPKI life cycle. */

export type RevocationReason =
  | 'affiliation-changed'
  | 'hold'
  | 'superseded'
  | 'cessation'
  | 'key-compromise'
  | 'other';

export type CertificateStatus =
  | { readonly status: 'good' }
  | { readonly status: 'revoked'; readonly reason: RevocationReason; readonly revokedAtMs: number };

/** @see RFC 5280 §5.3.1 */
const REASONS: Readonly<Record<number, RevocationReason>> = {
  1: 'key-compromise',
  3: 'affiliation-changed',
  4: 'superseded',
  5: 'cessation',
  6: 'hold',
};

/** An absent or unusual CRLReason is still a revocation. */
export function revocationReason(crlReason: number | undefined): RevocationReason {
  return REASONS[crlReason ?? 0] ?? 'other';
}
