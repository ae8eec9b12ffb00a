/** What the patient is asked, and how the answer is fixed so that nobody can change it later. */
import { createHash } from 'node:crypto';
import { canonicalJson } from '#evidence/canonical.ts';
import type { Consent } from '#evidence/record.ts';

export interface ConsentText {
  readonly version: string;
  readonly ja: string;
  readonly en: string;
}

/** Who agreed to what, while whose session. */
export interface AgreedConsent {
  readonly consent: Consent;
  readonly operatorId: string;
  /** What the SAM binds; the broker computes it by itself and must come to the same. */
  readonly digest: Uint8Array;
}

/** Published texts are never edited: a new wording is a new version. */
const VERSION = '2026-11';

/** Who asks, and for what. */
export function consentText(clinic: { readonly ja: string; readonly en: string }): ConsentText {
  return {
    version: VERSION,
    ja: `${clinic.ja}が、マイナンバーカードであなたを確認し、健康保険の資格を調べます。よろしければ「OK」を押してください。`,
    en: `${clinic.en} will identify you with your My Number Card and check your health insurance. Press OK if you agree.`,
  };
}

/** SHA-256 over the canonical JSON of `{tapId, consent}`; the SAM binds it into tapChallenge. */
export function digestConsent(tapId: string, consent: Consent): Uint8Array {
  return new Uint8Array(createHash('sha256').update(canonicalJson({ tapId, consent })).digest());
}
