/** Records of a made-up day, for tests. */
import { createHash } from 'node:crypto';
import type { CardProof, Consent, EvidenceRecord } from '../record.ts';

const at = '2026-11-21T00:00:00.000Z';

export const STARTED: EvidenceRecord = { kind: 'started', at, version: '0.1.0' };

const CONSENT: Consent = {
  purpose: 'insurance-eligibility',
  textVersion: '2026-11',
  decision: 'ok',
  decidedAt: at,
  input: 'screen',
};

export function sampleConsent(tapId: string): Extract<EvidenceRecord, { kind: 'consent' }> {
  return { kind: 'consent', at, tapId, operatorId: 'clerk-1', consent: CONSENT };
}

/** SHA-256 of the canonical `{tapId, consent}`, written out by hand: the names are in their order already. */
export function consentDigest(tapId: string): string {
  const { purpose, textVersion, decision, decidedAt, input } = CONSENT;
  const consent = { decidedAt, decision, input, purpose, textVersion };
  return createHash('sha256').update(JSON.stringify({ consent, tapId })).digest('hex');
}

export interface SampleTap {
  readonly samId: string;
  readonly useCounter: number;
  readonly ticks: number;
  readonly tickNonce: string;
  readonly tapId: string;
}

/** The message of sam-profile 4.6, put together here once more. */
export function sampleTapMessage(tap: SampleTap): Buffer {
  const hex = [
    Buffer.from('SEKISHO-TAP-1').toString('hex'),
    tap.samId,
    tap.useCounter.toString(16).padStart(8, '0'),
    tap.tapId.replaceAll('-', ''),
    consentDigest(tap.tapId),
    'c0'.repeat(16),
    tap.ticks.toString(16).padStart(16, '0'),
    tap.tickNonce,
  ];
  return Buffer.from(hex.join(''), 'hex');
}

export function sampleProof(tap: SampleTap, more: Partial<CardProof> = {}): CardProof {
  return {
    profile: 'sekisho-ref-1',
    suite: 'rsa-2048-sha256',
    samId: tap.samId,
    useCounter: tap.useCounter,
    tapId: tap.tapId,
    consentDigest: consentDigest(tap.tapId),
    cardChallenge: 'c0'.repeat(16),
    ticks: String(tap.ticks),
    tickNonce: tap.tickNonce,
    tapChallenge: createHash('sha256').update(sampleTapMessage(tap)).digest('hex'),
    cardSignature: '00',
    certificateSha256: '00'.repeat(32),
    sealedCertificate: '',
    ...more,
  };
}

export function sampleVisit(visitId: string, proof?: CardProof): Extract<EvidenceRecord, { kind: 'visit' }> {
  return {
    kind: 'visit',
    at,
    visitId,
    mode: 'online',
    outcome: 'accepted',
    operatorId: 'clerk-1',
    institutionCode: '1310000001',
    identifiedBy: proof === undefined ? 'insured-number' : 'organisation-authentication',
    cardId: 'R1-00000-00000-00000-00000-00000',
    ...(proof !== undefined && { proof, consentDigest: proof.consentDigest }),
    revocation: 'good',
    eligibility: 'valid',
    eligibilitySource: 'now',
  };
}
