/** Obviously fictitious people and visits for the scripted gateway. */
import { randomUUID } from 'node:crypto';
import type { Qualification } from '#contract/centre/eligibility.ts';
import type { Operator } from '#contract/operator.ts';
import type { GatewaySnapshot } from '#contract/snapshot.ts';
import type { CardAttributes, UnresolvedVisit, Visit } from '#contract/visit.ts';

export const sampleOperator: Operator = {
  operatorId: '00112233445566aa',
  displayName: '架空 受付子',
  roles: ['clerk'],
  cardKind: 'my-number',
};

export const sampleCardId = 'R1-7ZK3M-9QX2T-C4HBN-5VJ8W-D6FA*';

export function sampleSnapshot(): GatewaySnapshot {
  return {
    revision: 1,
    at: '2025-04-01T00:00:00.000Z',
    ready: false,
    missing: 'operator.not-signed-in',
    mode: 'online',
    facts: {
      sam: 'locked',
      samUnlock: 'none',
      samUsesLeft: 0,
      network: 'registered',
      permit: 'none',
      reader: 'ready',
      centre: {
        serviceProvider: true,
        revocation: true,
        revocationLists: true,
        eligibility: true,
        history: true,
      },
    },
    readerHealth: {
      since: '2025-04-01T00:00:00.000Z',
      lastFault: 'reader.timeout',
      device: 'Scripted Reader PICC 00 00',
      chosenBy: 'name',
      faults: [{ code: 'reader.timeout', count: 2 }],
      recoveries: 2,
      restarts: 0,
      cardsSeen: 7,
      discardedBytes: 0,
    },
    outboxWaiting: 0,
    unresolvedVisits: 2,
  };
}

/** Insurer 06110829 passes the public check-digit rule. */
export const sampleQualification: Qualification = {
  InsuredCardClassification: '01',
  InsurerNumber: '06110829',
  InsurerName: '架空健康保険組合',
  InsuredCardSymbol: '１２３',
  InsuredIdentificationNumber: '４５６７',
  InsuredBranchNumber: '00',
  PersonalFamilyClassification: '1',
  Name: '見本 花子',
  NameKana: 'ﾐﾎﾝ ﾊﾅｺ',
  Sex1: '2',
  Birthdate: '19480315',
  Address: '東京都架空区見本町1-2-3',
  PostNumber: '100-0000',
  QualificationDate: '20200401',
  InsuredPartialContributionRatio: '020',
};

export const sampleCardAttributes: CardAttributes = {
  name: '見本　花子',
  address: '東京都架空区見本町一丁目２番３号',
  birthDate: '19480315',
  sex: 'female',
};

export function sampleVisit(): Visit {
  return {
    visitId: randomUUID(),
    at: new Date().toISOString(),
    mode: 'online',
    outcome: 'accepted',
    identifiedBy: 'organisation-authentication',
    cardId: sampleCardId,
    certificate: { revocation: 'good', notAfter: '2025-05-20T14:59:59.000Z', expiresInDays: 48 },
    eligibility: {
      validity: 'valid',
      source: 'now',
      checkedAt: new Date().toISOString(),
      results: [sampleQualification],
      changes: ['InsurerNumber', 'Address'],
    },
    evidence: { seq: 1284, hash: '5f'.repeat(32) },
    visitRecord: 'delivered',
    steps: [
      { name: 'find-card', ms: 112 },
      { name: 'read-certificate', ms: 96 },
      { name: 'card-signature-tap', ms: 351 },
    ],
    apdu: {
      card: { count: 21, bytesOut: 2480, bytesIn: 3120 },
      sam: { count: 9, bytesOut: 900, bytesIn: 1400 },
    },
    unresolved: ['patient-number'],
  };
}

export function sampleUnresolved(): UnresolvedVisit[] {
  return [
    {
      visitId: randomUUID(),
      at: '2025-03-31T01:10:00.000Z',
      cardId: sampleCardId,
      patientNumber: '00012345',
      open: ['eligibility', 'revocation'],
      ageSeconds: 93_600,
      reason: 'centre.unreachable',
      hasInsuredNumber: true,
      attempts: 14,
    },
    {
      visitId: randomUUID(),
      at: '2025-04-01T00:20:00.000Z',
      cardId: sampleCardId,
      open: ['patient-number'],
      ageSeconds: 1_500,
      reason: 'patient.not-linked',
      hasInsuredNumber: false,
      attempts: 0,
    },
  ];
}
