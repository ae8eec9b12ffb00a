/** A made-up visit with everything that a commit writes, for tests. */
import type { EligibilityAnswer, InsuredNumber } from '#contract/centre/eligibility.ts';
import type { VisitRecord } from '#contract/centre/visit-history.ts';
import type { Visit } from '#contract/visit.ts';
import type { EvidenceReceipt, StoreEffect } from '#evidence/ledger.ts';
import type { EvidenceRecord } from '#evidence/record.ts';

export const AT = '2026-11-21T09:00:00.000Z';

export function visitId(number: number): string {
  return `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;
}

export function cardId(number: number): string {
  return `R1-TEST-${number}`;
}

export function sampleVisit(number: number, more: Partial<Visit> = {}): Visit {
  return {
    visitId: visitId(number),
    at: new Date(Date.parse(AT) + number * 1000).toISOString(),
    mode: 'online',
    outcome: 'accepted',
    identifiedBy: 'organisation-authentication',
    cardId: cardId(number),
    patientNumber: `P-${number}`,
    eligibility: { validity: 'valid', source: 'now', results: [], changes: [] },
    evidence: { seq: number, hash: '0'.repeat(64) },
    visitRecord: 'queued',
    steps: [],
    apdu: { card: { count: 0, bytesOut: 0, bytesIn: 0 }, sam: { count: 0, bytesOut: 0, bytesIn: 0 } },
    unresolved: [],
    ...more,
  };
}

function sampleVisitRecord(number: number, receipt: EvidenceReceipt): VisitRecord {
  return {
    visitId: visitId(number),
    institutionCode: '1310000001',
    cardId: cardId(number),
    visitedAt: AT,
    mode: 'online',
    identifiedBy: 'organisation-authentication',
    faceCheck: 'printed-photo',
    eligibility: 'valid',
    evidence: receipt,
  };
}

export function sampleRecord(number: number): EvidenceRecord {
  return {
    kind: 'visit',
    at: AT,
    visitId: visitId(number),
    mode: 'online',
    outcome: 'accepted',
    operatorId: 'clerk-1',
    institutionCode: '1310000001',
    identifiedBy: 'insured-number',
    revocation: 'not-checked',
    eligibility: 'valid',
    eligibilitySource: 'now',
  };
}

/** What the gateway commits with a visit. */
export function sampleEffects(number: number): (receipt: EvidenceReceipt) => StoreEffect[] {
  return (receipt) => [
    { do: 'put-visit', visit: sampleVisit(number, { evidence: receipt }) },
    { do: 'enqueue-visit-record', record: sampleVisitRecord(number, receipt) },
  ];
}

export const INSURED: InsuredNumber = {
  InsurerNumber: '01130012',
  InsuredCardSymbol: '架空',
  InsuredIdentificationNumber: '1234567',
  InsuredBranchNumber: '01',
  Birthdate: '19700101',
};

export function sampleAnswer(name: string): EligibilityAnswer {
  return {
    ProcessExecutionTime: '20261121090000',
    QualificationConfirmationDate: '20261121',
    MedicalInstitutionCode: '1310000001',
    ArbitraryIdentifier: name,
    SegmentOfResult: '1',
    ProcessingResultStatus: '1',
    ReferenceClassification: '1',
    QualificationValidity: '1',
    ResultList: [],
  };
}
