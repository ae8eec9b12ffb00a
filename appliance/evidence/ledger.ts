/** The port through which the gateway writes down what happened. `appliance/store` implements it. */
import type { EligibilityAnswer, InsuredNumber } from '#contract/centre/eligibility.ts';
import type { VisitRecord } from '#contract/centre/visit-history.ts';
import type { ErrorCode } from '#contract/errors.ts';
import type { UnresolvedVisit, Visit } from '#contract/visit.ts';
import type { EvidenceRecord, Hex } from './record.ts';

export interface EvidenceReceipt {
  /** 1, 2, 3 … without gaps. */
  readonly seq: number;
  /** SHA-256 of the canonical entry, which contains the hash before it. */
  readonly hash: Hex;
}

/** What the SAM returned for a digest: the complete E7 object and its DER signature. */
export interface TickStamp {
  readonly stamp: Hex;
  readonly signature: Hex;
}

export type Stamper = (digest: Uint8Array) => Promise<TickStamp>;

export type OpenQuestion = 'revocation' | 'eligibility' | 'patient-number';

/** Changes that are committed in the same transaction as the evidence entry, as data. */
export type StoreEffect =
  | { readonly do: 'put-visit'; readonly visit: Visit }
  | { readonly do: 'enqueue-visit-record'; readonly record: VisitRecord }
  | {
      readonly do: 'remember-eligibility';
      readonly cardId: string;
      readonly answer: EligibilityAnswer;
      readonly checkedAtMs: number;
    }
  | {
      readonly do: 'link-patient';
      readonly cardId: string;
      readonly alternateCardId?: string;
      readonly patientNumber?: string;
      readonly insured?: InsuredNumber;
    }
  | {
      readonly do: 'open-question';
      readonly visitId: string;
      readonly question: OpenQuestion;
      readonly reason: ErrorCode;
      /** SHA-256(serial bytes ‖ institution code), for the SP's list of revoked cards. */
      readonly serialHash?: Hex;
      /** What a clerk typed: nobody is asked for it again. */
      readonly insured?: InsuredNumber;
      readonly openedAtMs: number;
    }
  | {
      readonly do: 'close-question';
      readonly visitId: string;
      readonly question: OpenQuestion;
      readonly visit: Visit;
    }
  /** The SP said no to an unlock; an earlier no keeps its date. */
  | { readonly do: 'remember-unlock-refusal'; readonly atMs: number }
  | { readonly do: 'forget-unlock-refusal' }
  | { readonly do: 'remember-sam-lock'; readonly lock: SamLock }
  | { readonly do: 'lift-sam-lock' }
  /** This entry names the letterbox's public key. */
  | { readonly do: 'name-letterbox'; readonly entry: number };

export interface SamLock {
  /** The number of its entry `sam-locked`. */
  readonly entry: number;
  readonly atMs: number;
  /** As in the entry `sam-locked`. */
  readonly reason: string;
  /** Until it is opened by a person or at a person's word, it stays locked, also when the place is good. */
  readonly waitsForPerson: boolean;
}

export interface AppendOptions {
  /** Stamps the digest of the entry before it is committed. Rejecting means: nothing is written. */
  readonly stamp?: Stamper;
  readonly effects?: (receipt: EvidenceReceipt) => readonly StoreEffect[];
}

export interface EvidenceLedger {
  /**
   * Appends one record. Durable when it resolves (fsync); entries are written strictly one after another.
   * Rejects with `store.full` or `store.failed`, and then nothing at all was written.
   */
  append(record: EvidenceRecord, options?: AppendOptions): Promise<EvidenceReceipt>;
  head(): EvidenceReceipt | undefined;
}

export interface KnownPatient {
  readonly cardId: string;
  readonly patientNumber: string | undefined;
  readonly insured: InsuredNumber | undefined;
  readonly alternateCardIds: readonly string[];
}

export interface OpenQuestionRow {
  readonly visitId: string;
  readonly question: OpenQuestion;
  readonly reason: ErrorCode;
  readonly serialHash: Hex | undefined;
  readonly insured: InsuredNumber | undefined;
  readonly openedAtMs: number;
  readonly attempts: number;
}

/** What the gateway may ask the store. All answers are immediate (SQLite in process). */
export interface VisitQueries {
  patientByCard(cardId: string): KnownPatient | undefined;
  cardsOfPatient(patientNumber: string): readonly string[];
  lastEligibility(cardId: string): { answer: EligibilityAnswer; checkedAtMs: number } | undefined;
  visit(visitId: string): Visit | undefined;
  /** Newest first. */
  visitsBetween(fromMs: number, toMs: number): readonly Visit[];
  /** Oldest first, one row per visit. */
  unresolvedVisits(nowMs: number): readonly UnresolvedVisit[];
  /** How many visits `unresolvedVisits` would list. */
  unresolvedCount(): number;
  openQuestions(limit: number): readonly OpenQuestionRow[];
  countAttempt(visitId: string, question: OpenQuestion): void;
  /** Keeps what was typed with a question that is still open; a newer number replaces an older one. */
  keepInsured(visitId: string, question: OpenQuestion, insured: InsuredNumber): void;
  outboxWaiting(): number;
  /** Since when the SP has refused to unlock; undefined when its last word was not no. */
  unlockRefusedSinceMs(): number | undefined;
  lastSamLock(): SamLock | undefined;
}
