/**
 * What the appliance asks the centre, as ports. `appliance/upstream` implements them over mutual TLS;
 * every call rejects with `centre.*`, `revocation.unknown`, `eligibility.*`, `roster.*` or `time-stamp.unavailable`
 * within its deadline, and never with anything else.
 */
import type {
  EligibilityAnswer,
  EligibilityByCertificate,
  EligibilityByInsuredNumber,
} from '#contract/centre/eligibility.ts';
import type { RosterChangeOrder, RosterNonce } from '#contract/centre/roster-change.ts';
import type {
  DataKeyRewrapped,
  DataKeyRewrapRequest,
  RevokedCards,
  RosterAnswer,
  SamDisableOrder,
  SamDisableRequest,
  SamOrders,
  SamUnlockGrant,
  SamUnlockRequest,
} from '#contract/centre/service-provider.ts';
import type { VisitReceipt, VisitRecord } from '#contract/centre/visit-history.ts';

/** What the TLS edge needs from the SAM to prove the device; `appliance/sam` gives it. */
export interface DeviceSigner {
  /** X.509 DER (DF21). */
  deviceCertificate(): Promise<Uint8Array>;
  /** INTERNAL AUTHENTICATE over `data` (32 bytes): DER signature over "SEKISHO-DEVICE-1" ‖ data. */
  signDeviceProof(data: Uint8Array): Promise<Uint8Array>;
}

export interface ServiceProvider {
  unlockSam(request: SamUnlockRequest, signal?: AbortSignal): Promise<SamUnlockGrant>;
  /** What the SP wants of this device; answered to a revoked one, too, when there is something. */
  orders(signal?: AbortSignal): Promise<SamOrders>;
  /** The order that kills the SAM, for its challenge. */
  disableSam(request: SamDisableRequest, signal?: AbortSignal): Promise<SamDisableOrder>;
  /** The data key that another SAM of this institution wrapped, for the SAM that is here now. */
  rewrapDataKey(request: DataKeyRewrapRequest, signal?: AbortSignal): Promise<DataKeyRewrapped>;
  roster(signal?: AbortSignal): Promise<RosterAnswer>;
  /** What the next change of the roster must name. */
  rosterNonce(signal?: AbortSignal): Promise<RosterNonce>;
  /** The roster after a change that an administrator's card signed. Rejects `roster.*`, too. */
  changeRoster(order: RosterChangeOrder, signal?: AbortSignal): Promise<RosterAnswer>;
  revokedCards(signal?: AbortSignal): Promise<RevokedCards>;
}

export interface EligibilityService {
  byCertificate(question: EligibilityByCertificate, signal?: AbortSignal): Promise<EligibilityAnswer>;
  byInsuredNumber(question: EligibilityByInsuredNumber, signal?: AbortSignal): Promise<EligibilityAnswer>;
}

export interface VisitHistory {
  /** Idempotent by visitId; resolves for 201 and 200. */
  register(record: VisitRecord, signal?: AbortSignal): Promise<VisitReceipt>;
}

export type JpkiRevocationReason =
  | 'affiliation-changed'
  | 'hold'
  | 'superseded'
  | 'cessation'
  | 'key-compromise'
  | 'other';

export type RevocationStatus =
  | { readonly status: 'good'; readonly checkedBy: 'ocsp' | 'crl' }
  | { readonly status: 'revoked'; readonly reason: JpkiRevocationReason; readonly revokedAtMs: number };

export interface RevocationService {
  /** OCSP first, CRL when OCSP does not answer; rejects with `revocation.unknown` when neither does. */
  status(certificate: Uint8Array, issuer: Uint8Array, signal?: AbortSignal): Promise<RevocationStatus>;
}

export interface TimeStampAuthority {
  /** RFC 3161 token (DER) over `digest` (SHA-256), fully verified: imprint, nonce, path, EKU. */
  timeStamp(digest: Uint8Array, signal?: AbortSignal): Promise<Uint8Array>;
}

/** Which services answered last time; a dead one must cost a tap nothing. */
export interface CentreHealth {
  readonly serviceProvider: boolean;
  readonly revocation: boolean;
  /** False when a list of revoked certificates could not be renewed; the last good one goes on answering. */
  readonly revocationLists: boolean;
  readonly eligibility: boolean;
  readonly history: boolean;
}

export interface Centre {
  readonly serviceProvider: ServiceProvider;
  readonly eligibility: EligibilityService;
  readonly history: VisitHistory;
  readonly revocation: RevocationService;
  readonly timeStamps: TimeStampAuthority;
  /** Opens and proves connections ahead, so that a tap pays for none of it. Never rejects. */
  warm(): Promise<void>;
  /** False from the first failure of a service (and before its first success) until it was reached again. */
  health(): CentreHealth;
  close(): Promise<void>;
}
