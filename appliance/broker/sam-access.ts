/** What the gateway may ask of the SAM, whoever holds it: the broker in this process, or in one of its own. */
import type { Suite } from '#card/suite.ts';
import type { LeaseVerifier } from '#ports/lease-verifier.ts';
import type { OrganisationSignature, Sam, SamStatus } from '#sam/sam.ts';

/** The patient's answer, as the evidence records it. */
export interface GivenConsent {
  readonly purpose: 'insurance-eligibility';
  readonly textVersion: string;
  readonly decision: 'ok' | 'refused';
  /** ISO 8601, UTC, with milliseconds. */
  readonly decidedAt: string;
  readonly input: 'screen' | 'button';
}

export interface OrganisationUse {
  readonly suite: Suite;
  /** From the patient's card, 8 to 32 bytes. */
  readonly cardChallenge: Uint8Array;
  /** A random UUID; each is good for one use. */
  readonly tapId: string;
  readonly consent: GivenConsent;
  /** 16 hex digits, of who is signed in. */
  readonly operatorId: string;
}

export interface OrganisationProof extends OrganisationSignature {
  /** As the broker computed it over tap and consent. */
  readonly consentDigest: Uint8Array;
}

export interface BrokerStatus extends SamStatus {
  /** Of the roster that sign-ins are judged by; the SAM's own is `rosterVersion`. */
  readonly brokerRosterVersion: number;
}

/** What the broker passes on as it is. */
type PassedOn = Pick<
  Sam,
  | 'samId'
  | 'tickNonce'
  | 'meter'
  | 'challenge'
  | 'unlockOnline'
  | 'offlineUnlockMessage'
  | 'unlockOffline'
  | 'tickStamp'
  | 'generateDataKey'
  | 'updateRoster'
  | 'lock'
  | 'disable'
>;

/** One power-up of the SAM. Every failure is a `sam.*` error, or what the broker's rules refuse. */
export interface OpenSam extends PassedOn {
  status(): Promise<BrokerStatus>;
  /** Uses the organisation key once. */
  signForCard(use: OrganisationUse): Promise<OrganisationProof>;
  /** Once for each use of the organisation key. */
  deriveId(data: Uint8Array): Promise<Uint8Array>;
  /** 32 bytes, in clear nowhere but in this answer; the caller overwrites it. */
  unwrapDataKey(wrapped: Uint8Array): Promise<Uint8Array>;
}

/** The operator, proven to the broker by a card. */
export interface OperatorProof {
  /** What the card signs next, 49 bytes; only the newest one counts, once. */
  message(): Promise<Uint8Array>;
  /** `keyId`: 64 hex digits. Rejects `operator.*`, `network.*`. */
  signIn(keyId: string, signature: Uint8Array): Promise<void>;
  /** Somebody works: puts the idle limit off. */
  active(): Promise<void>;
  signOut(): Promise<void>;
}

/** The network lease: the broker asks and judges, the gateway only carries. */
export interface LeaseDoor extends LeaseVerifier {
  /** The place is being left: power off. `reason` for log and evidence: `link-down`. */
  end(reason: string): Promise<void>;
}

/** Leave for a home visit, as the broker holds it. @see docs/permit.md */
export interface PermitStatus {
  readonly held?:
    | {
        readonly permitId: string;
        readonly untilS: number;
        readonly usesLeft: number;
        /** Key ids. */
        readonly operators: readonly string[];
        readonly grantedBy: string;
        readonly isUsed: boolean;
      }
    | undefined;
  /** Until `endNoted`. */
  readonly ended?:
    | { readonly permitId: string; readonly reason: string; readonly usesSpent: number }
    | undefined;
}

export interface PermitDraft {
  /** 32 hex digits. */
  readonly networkId: string;
  readonly issuedAtS: number;
  readonly untilS: number;
  readonly maxUses: number;
  /** Key ids, in whatever order. */
  readonly operators: readonly string[];
}

/** The carry-out permit: the broker judges, the gateway draws up and records. */
export interface PermitDoor {
  /** What an administrator's card signs; only the newest one counts, once. Answers its name, too. */
  message(draft: PermitDraft): Promise<{ readonly permitId: string; readonly message: Uint8Array }>;
  /** `keyId`: 64 hex digits. Rejects `permit.rejected`, `operator.*`, `network.absent`. */
  grant(message: Uint8Array, keyId: string, signature: Uint8Array): Promise<void>;
  status(): Promise<PermitStatus>;
  end(reason: 'ended-by-hand' | 'revoked' | 'tampered'): Promise<void>;
  /** Its end is on record. */
  endNoted(permitId: string): Promise<void>;
  /** It began, counted down or ended: ask for `status`. Answers how to stop listening. */
  onChanged(listener: () => void): () => void;
}

export interface SamAccess {
  /** Powers the SAM and selects its application, unless that is under way or done. Rejects `sam.*`. */
  open(signal: AbortSignal): Promise<OpenSam>;
  /** Power off and on again: the volatile unlock state is gone at once, and the SAM can prove the device anew. */
  powerCycle(signal: AbortSignal): Promise<OpenSam>;
  /** Takes the power off; the volatile unlock state is gone with it. */
  powerOff(): Promise<void>;
  /** The SAM when it is open, or as soon as an opening that is under way has ended. Rejects `sam.*`. */
  ready(): Promise<OpenSam>;
  /** Gives up a SAM that left or does not answer any more; `lost` resolves. */
  drop(sam: OpenSam): void;
  /** Resolves when the SAM is gone for another reason than `powerOff`; each loss once, to one listener. */
  lost(signal: AbortSignal): Promise<void>;
  /** Ends an opening that is under way, too. */
  close(): Promise<void>;
  readonly current: OpenSam | undefined;
  /** The open SAM; throws `sam.absent` when there is none. */
  require(): OpenSam;
  /** Of the SAM that is, or was last, in the slot; undefined when there never was one. */
  readonly identity: { readonly samId: string; readonly institutionCode: string } | undefined;
  readonly samId: string;
  readonly institutionCode: string;
  /** The organisation's CV certificate for `suite`; read once per unlock. */
  organisationCertificate(suite: Suite): Promise<Uint8Array>;
  /** Reads the organisation certificates now, so that the first tap does not wait for them. Never rejects. */
  readAhead(): Promise<void>;
  /** To be called when the SAM is locked. */
  forgetCertificates(): void;
  /** The device certificate, which the TLS edge shows to the centre. @see `DeviceSigner` of the upstream ports */
  deviceCertificate(): Promise<Uint8Array>;
  signDeviceProof(data: Uint8Array): Promise<Uint8Array>;
  readonly operator: OperatorProof;
  readonly lease: LeaseDoor;
  readonly permit: PermitDoor;
  /** Power off, operator and lease gone, from whatever state; also in the middle of a command. */
  wipe(reason: string): Promise<void>;
  /** The broker took the power off: place and operator must be proven anew. Answers how to stop listening. */
  onWiped(listener: (reason: string) => void): () => void;
}
