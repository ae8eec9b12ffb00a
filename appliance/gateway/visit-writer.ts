/** Turns what a tap found into the visit that the counter sees, the evidence and the record that is sent on. */
import type { InsuredNumber } from '#contract/centre/eligibility.ts';
import type { VisitRecord } from '#contract/centre/visit-history.ts';
import type { ErrorCode } from '#contract/errors.ts';
import type { Visit } from '#contract/visit.ts';
import type { EvidenceReceipt, StoreEffect } from '#evidence/ledger.ts';
import type { CardProof, EvidenceRecord, HolderCheck, PresenceProof } from '#evidence/record.ts';
import type { AskedEligibility } from './eligibility-check.ts';
import type { GatewayParts } from './parts.ts';
import { appendStamped } from './stamped-entry.ts';

export type VisitDraft = Omit<Visit, 'evidence' | 'visitRecord'>;

/** An answer, and when it was given: a clerk may compare the face minutes later. */
export type FreshEligibility = Extract<AskedEligibility, { answer: unknown }>;

export interface VisitFacts {
  readonly draft: VisitDraft;
  readonly operatorId: string;
  readonly institutionCode: string;
  readonly consentDigest: string | undefined;
  readonly proof: CardProof | undefined;
  readonly faceProof: PresenceProof | undefined;
  readonly attributesProof: PresenceProof | undefined;
  readonly holderCheck: HolderCheck | undefined;
  readonly revocation: 'good' | 'unknown' | 'revoked' | 'not-checked';
  readonly serialHash: string | undefined;
  readonly freshEligibility: FreshEligibility | undefined;
  /** Learnt from a single result: lets a later offline visit be reconciled without the card. */
  readonly insured: InsuredNumber | undefined;
  /** What a clerk typed and nobody has answered yet: kept with the question. */
  readonly typedInsured: InsuredNumber | undefined;
  readonly openReasons: Readonly<Partial<Record<Visit['unresolved'][number], ErrorCode>>>;
}

function evidenceOf(facts: VisitFacts): EvidenceRecord {
  const { draft } = facts;
  return {
    kind: 'visit',
    at: draft.at,
    visitId: draft.visitId,
    mode: draft.mode,
    outcome: draft.outcome,
    ...(draft.error === undefined ? {} : { error: draft.error }),
    operatorId: facts.operatorId,
    institutionCode: facts.institutionCode,
    identifiedBy: draft.identifiedBy,
    ...(draft.cardId === undefined ? {} : { cardId: draft.cardId }),
    ...(facts.consentDigest === undefined ? {} : { consentDigest: facts.consentDigest }),
    ...(facts.proof === undefined ? {} : { proof: facts.proof }),
    revocation: facts.revocation,
    ...(draft.faceCheck === undefined
      ? {}
      : { faceCheck: { ...draft.faceCheck, comparedBy: facts.operatorId } }),
    ...(facts.faceProof === undefined ? {} : { faceProof: facts.faceProof }),
    ...(facts.attributesProof === undefined ? {} : { attributesProof: facts.attributesProof }),
    ...(facts.holderCheck === undefined ? {} : { holderCheck: facts.holderCheck }),
    eligibility: draft.eligibility.validity,
    eligibilitySource: draft.eligibility.source,
  };
}

function visitRecordOf(facts: VisitFacts, receipt: EvidenceReceipt): VisitRecord {
  const { draft } = facts;
  return {
    visitId: draft.visitId,
    institutionCode: facts.institutionCode,
    ...(draft.cardId === undefined ? {} : { cardId: draft.cardId }),
    visitedAt: draft.at,
    mode: draft.mode,
    identifiedBy: draft.identifiedBy,
    faceCheck: draft.faceCheck?.method ?? 'not-done',
    eligibility: draft.eligibility.validity,
    evidence: { seq: receipt.seq, hash: receipt.hash },
  };
}

function effectsOf(facts: VisitFacts, visit: Visit, receipt: EvidenceReceipt, nowMs: number): StoreEffect[] {
  const effects: StoreEffect[] = [{ do: 'put-visit', visit }];
  if (visit.outcome !== 'accepted') return effects;
  effects.push({ do: 'enqueue-visit-record', record: visitRecordOf(facts, receipt) });
  if (facts.freshEligibility !== undefined && visit.cardId !== undefined) {
    effects.push({
      do: 'remember-eligibility',
      cardId: visit.cardId,
      ...facts.freshEligibility,
    });
  }
  if (visit.cardId !== undefined) {
    effects.push({
      do: 'link-patient',
      cardId: visit.cardId,
      ...(visit.alternateCardId === undefined ? {} : { alternateCardId: visit.alternateCardId }),
      ...(facts.insured === undefined ? {} : { insured: facts.insured }),
    });
  }
  for (const question of visit.unresolved) {
    effects.push({
      do: 'open-question',
      visitId: visit.visitId,
      question,
      reason: facts.openReasons[question] ?? 'internal.bug',
      ...(facts.serialHash === undefined ? {} : { serialHash: facts.serialHash }),
      ...(question === 'eligibility' && facts.typedInsured !== undefined && { insured: facts.typedInsured }),
      openedAtMs: nowMs,
    });
  }
  return effects;
}

/** Commits evidence, visit, outbox and open questions in one transaction; answers the visit when durable. */
export async function writeVisit(parts: GatewayParts, facts: VisitFacts): Promise<Visit> {
  const visitOf = ({ seq, hash }: EvidenceReceipt): Visit => ({
    ...facts.draft,
    evidence: { seq, hash },
    visitRecord: facts.draft.outcome === 'accepted' ? 'queued' : 'none',
  });
  const receipt = await appendStamped(parts, evidenceOf(facts), (given) =>
    effectsOf(facts, visitOf(given), given, parts.clock.nowMs()),
  );
  return visitOf(receipt);
}
