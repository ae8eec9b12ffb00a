/** The patient's OK, as it is bound into the use of the organisation key. */
import { createHash } from 'node:crypto';
import { SekishoError } from '#contract/errors.ts';
import { canonicalJson } from '#evidence/canonical.ts';
import type { SignForCardAsk } from './commands.ts';

/** Consent that is dated a little ahead is a clock being set, not a forgery. */
const AHEAD_MS = 2_000;

/**
 * SHA-256 over the canonical JSON of `{tapId, consent}`: computed here and not taken from the caller, so that the SAM
 * signs what the patient answered. Throws `tap.consent-missing` for a consent that is no OK, or an old one.
 */
export function bindConsent({ tapId, consent }: SignForCardAsk, nowMs: number, maxAgeMs: number): Uint8Array {
  if (consent.decision !== 'ok') throw missing('refused');
  const ageMs = nowMs - Date.parse(consent.decidedAt);
  if (ageMs > maxAgeMs || ageMs < -AHEAD_MS) throw missing('old');
  return new Uint8Array(createHash('sha256').update(canonicalJson({ tapId, consent })).digest());
}

function missing(reason: string): SekishoError {
  return new SekishoError('tap.consent-missing', { context: { reason } });
}
