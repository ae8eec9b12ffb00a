/**
 * What happened, as a closed union. No names, numbers, PINs or certificate serials in clear:
 * an auditor gets the certificate from `sealedCertificate`, which only the SP can open.
 */
import type { InsuredNumber } from '#contract/centre/eligibility.ts';
import type { RosterAction } from '#contract/centre/roster-change.ts';
import type { OperatorRole } from '#contract/centre/service-provider.ts';
import type { ErrorCode } from '#contract/errors.ts';
import type { Mode } from '#contract/snapshot.ts';
import type { EligibilityValidity, FaceCheck } from '#contract/visit.ts';

/** Lower-case hexadecimal. */
export type Hex = string;
/** ISO 8601 UTC with milliseconds, by the appliance's own clock; the proven time comes from tick stamps. */
export type WallClock = string;

/** The inputs of `tapChallenge` (`docs/sam-profile.md` 4.6) and what the card signed. */
export interface CardProof {
  readonly profile: string;
  readonly suite: 'rsa-2048-sha256' | 'p384-sha384';
  readonly samId: Hex;
  readonly useCounter: number;
  /** UUID; its 16 bytes go into the challenge. */
  readonly tapId: string;
  readonly consentDigest: Hex;
  readonly cardChallenge: Hex;
  /** Decimal: the counter has 64 bits. */
  readonly ticks: string;
  readonly tickNonce: Hex;
  readonly tapChallenge: Hex;
  /** Signature of the card's authentication key over tapChallenge. */
  readonly cardSignature: Hex;
  readonly certificateSha256: Hex;
  /** CMS EnvelopedData (DER, base64) of the certificate for the SP's audit key. */
  readonly sealedCertificate: string;
}

/** An application of the card answered this tap with a key that its issuer vouched for: no copy of its files. */
export interface PresenceProof {
  /** PKCS#1 v1.5, SHA-256, over the challenge of `presence-challenge.ts`. */
  readonly signature: Hex;
  /** SHA-256 of the key's SubjectPublicKeyInfo, DER. */
  readonly publicKeySha256: Hex;
  /** CMS EnvelopedData (DER, base64) of that SubjectPublicKeyInfo for the SP's audit key: the key names a card. */
  readonly sealedPublicKey: string;
}

export type HolderCheck = 'same' | 'different' | 'not-compared';

export interface Consent {
  readonly purpose: 'insurance-eligibility';
  /** The text that the patient saw, by version, so that the digest can be recomputed. */
  readonly textVersion: string;
  readonly decision: 'ok' | 'refused';
  readonly decidedAt: WallClock;
  readonly input: 'screen' | 'button';
}

/** What stands behind an administrator's act: the session; with a card at the reader, its signature over the act. */
export type NetworkAuthorisation =
  | { readonly by: 'session' }
  | { readonly by: 'card'; readonly keyId: Hex; readonly signature: Hex };

export type EvidenceRecord =
  | { readonly kind: 'started'; readonly at: WallClock; readonly version: string; readonly samId?: Hex }
  | {
      readonly kind: 'operator-signed-in' | 'operator-signed-out';
      readonly at: WallClock;
      readonly operatorId: string;
      readonly cardKind: 'hpki' | 'my-number';
      readonly screen: string;
    }
  | {
      readonly kind: 'operator-refused';
      readonly at: WallClock;
      readonly error: ErrorCode;
      readonly screen: string;
    }
  | {
      /** How far the access log went, so that the time stamps of the evidence hold it too. */
      readonly kind: 'access-log';
      readonly at: WallClock;
      readonly lastSeq: number;
      readonly lastHash: Hex;
    }
  | {
      /** An administrator changed the roster with the own card; the SP keeps what the card signed. */
      readonly kind: 'roster-changed';
      readonly at: WallClock;
      readonly version: number;
      readonly action: RosterAction;
      /** Whom it is about. */
      readonly subjectId: string;
      readonly roles?: readonly OperatorRole[];
      readonly operatorId: string;
      readonly screen: string;
    }
  | {
      /** Refusals beyond the first of a flood, counted until this entry; whose screens they came from is not kept. */
      readonly kind: 'operator-refusals';
      readonly at: WallClock;
      readonly count: number;
      readonly from: WallClock;
      readonly to: WallClock;
      readonly errors: Readonly<Partial<Record<ErrorCode, number>>>;
    }
  | {
      readonly kind: 'sam-unlocked';
      readonly at: WallClock;
      readonly how: 'online' | 'offline';
      readonly samId: Hex;
      readonly networkId: Hex;
      readonly operatorId?: string;
      readonly maxUses: number;
      /** Away from home: under which leave (`permit-granted`). */
      readonly permitId?: Hex;
    }
  | {
      /** The SP said no; once until its next yes. An operator's card does not open the SAM meanwhile. */
      readonly kind: 'sam-unlock-refused';
      readonly at: WallClock;
      readonly samId: Hex;
      readonly networkId: Hex;
    }
  | { readonly kind: 'sam-locked'; readonly at: WallClock; readonly samId: Hex; readonly reason: string }
  | {
      /** The SP wanted it dead, and it is, until it is personalised anew. */
      readonly kind: 'sam-disabled';
      readonly at: WallClock;
      readonly samId: Hex;
      /** What the SP signed (`docs/sam-profile.md` 4.12), base64. */
      readonly order: string;
    }
  | {
      /** Leave for a home visit: what an administrator's card signed (`docs/permit.md`), for anybody to verify. */
      readonly kind: 'permit-granted';
      readonly at: WallClock;
      readonly permitId: Hex;
      /** Base64. */
      readonly message: string;
      /** The administrator's: SHA-256 of the card's SubjectPublicKeyInfo. */
      readonly keyId: Hex;
      /** RSA PKCS#1 v1.5 with SHA-256, or raw ECDSA P-384 with SHA-384, by the kind of key; base64. */
      readonly signature: string;
      readonly operatorId: string;
      readonly screen: string;
    }
  | {
      readonly kind: 'permit-ended';
      readonly at: WallClock;
      readonly permitId: Hex;
      readonly reason: string;
      readonly usesSpent: number;
    }
  | {
      readonly kind: 'network-registered';
      readonly at: WallClock;
      readonly networkId: Hex;
      /** SHA-256 of the anchor's SubjectPublicKeyInfo, as the administrator read it at the anchor. */
      readonly anchorKeySha256: Hex;
      readonly operatorId: string;
      readonly screen: string;
      readonly authorisation: NetworkAuthorisation;
    }
  | {
      /** What patient data is sealed with from now on (`docs/threat-model.md`). The id tells nothing about the key. */
      readonly kind: 'data-key';
      readonly at: WallClock;
      readonly event: 'first-key' | 'moved-to-this-sam' | 'rotated' | 'letterbox-named';
      readonly keyId: Hex;
      /** X25519 public key (32 bytes) of what is written while the SAM is locked; no other one is written to. */
      readonly letterboxKey?: Hex;
      readonly operatorId?: string;
    }
  | {
      /** RFC 3161 token over SHA-256 of the complete tick stamp (E7 object ‖ 9E object): TickStamp1. */
      readonly kind: 'tick-anchor';
      readonly at: WallClock;
      readonly tickStamp: Hex;
      /** DER, base64. */
      readonly token: string;
    }
  | {
      readonly kind: 'consent';
      readonly at: WallClock;
      readonly tapId: string;
      readonly operatorId: string;
      readonly consent: Consent;
    }
  | {
      readonly kind: 'visit';
      readonly at: WallClock;
      readonly visitId: string;
      readonly mode: Mode;
      readonly outcome: 'accepted' | 'refused' | 'failed';
      readonly error?: ErrorCode;
      readonly operatorId: string;
      readonly institutionCode: string;
      readonly identifiedBy: 'organisation-authentication' | 'insured-number';
      readonly cardId?: string;
      readonly consentDigest?: Hex;
      readonly proof?: CardProof;
      readonly revocation: 'good' | 'unknown' | 'revoked' | 'not-checked';
      readonly faceCheck?: FaceCheck & { readonly comparedBy: string };
      /** The face that was read is of the card in the field. */
      readonly faceProof?: PresenceProof;
      /** Name, address, birth date and sex were read of the card in the field. The values stand nowhere. */
      readonly attributesProof?: PresenceProof;
      /** With one of the two: birth date and sex on the card against those of the insurance. The values stand nowhere. */
      readonly holderCheck?: HolderCheck;
      readonly eligibility: EligibilityValidity;
      readonly eligibilitySource: 'now' | 'last-known' | 'none';
    }
  | {
      readonly kind: 'reconciled';
      readonly at: WallClock;
      readonly visitId: string;
      readonly question: 'revocation' | 'eligibility' | 'patient-number';
      readonly result: string;
      readonly by: 'appliance' | string;
    }
  | {
      readonly kind: 'patient-linked';
      readonly at: WallClock;
      readonly cardId: string;
      /** SHA-256(institution code ‖ patient number): proves the link without telling the number. */
      readonly patientNumberHash: Hex;
      readonly operatorId: string;
    };

export type { InsuredNumber };
