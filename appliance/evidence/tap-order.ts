/** Each visit by card stands on a consent of its own and on a use of the organisation key of its own. */
import { hash } from 'node:crypto';
import type { AuditedProof } from './audited-record.ts';
import { canonicalJson } from './canonical.ts';
import { Flaw } from './flaw.ts';
import { tapChallenge } from './tap-challenge.ts';

/** A tap ends within minutes of its consent; older consents are forgotten so that memory stays flat. */
const CONSENTS_REMEMBERED = 256;

export interface TapOrder {
  acceptConsent(tapId: string, consent: unknown): void;
  acceptProof(proof: AuditedProof): void;
}

export function createTapOrder(): TapOrder {
  const consentDigests = new Map<string, string>();
  const lastUse = new Map<string, number>();
  return {
    acceptConsent(tapId, consent) {
      consentDigests.set(tapId, hash('sha256', canonicalJson({ tapId, consent }), 'hex'));
      const oldest = consentDigests.keys().next().value;
      if (consentDigests.size > CONSENTS_REMEMBERED && oldest !== undefined) consentDigests.delete(oldest);
    },
    acceptProof(proof) {
      if (consentDigests.get(proof.tapId) !== proof.consentDigest) throw new Flaw('consent-missing');
      if (tapChallenge(proof) !== proof.tapChallenge) throw new Flaw('tap-challenge-wrong');
      const last = lastUse.get(proof.samId);
      if (last !== undefined && proof.useCounter <= last) throw new Flaw('tap-repeated');
      lastUse.set(proof.samId, proof.useCounter);
    },
  };
}
