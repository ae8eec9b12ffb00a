/** What a tap found out, gathered while it runs, and the visit that follows from it. */
import { createHash } from 'node:crypto';
import { toHex } from '#card/bytes.ts';
import type { EligibilityAnswer, InsuredNumber } from '#contract/centre/eligibility.ts';
import type { ErrorCode } from '#contract/errors.ts';
import type { Mode } from '#contract/snapshot.ts';
import type { EligibilityView, FaceCheck, Visit } from '#contract/visit.ts';
import type { KnownPatient } from '#evidence/ledger.ts';
import type { CardProof } from '#evidence/record.ts';
import type { CertificateFacts } from '#trust/ports.ts';
import type { CentreHealth } from '#upstream/ports.ts';
import type { ShownCardData } from './card-data.ts';
import { daysToWarn, type RevocationResult } from './certificate-check.ts';
import { type AskedEligibility, type LastKnown, viewEligibility } from './eligibility-check.ts';
import { checkHolder } from './holder-check.ts';
import { modeOf } from './snapshot.ts';
import type { VisitDraft, VisitFacts } from './visit-writer.ts';

export interface TapFindings {
  readonly visitId: string;
  readonly operatorId: string;
  readonly institutionCode: string;
  readonly consentDigest: Uint8Array | undefined;
  readonly certificate: CertificateFacts | undefined;
  readonly cardId: string | undefined;
  readonly alternateCardId: string | undefined;
  readonly proof: CardProof | undefined;
  readonly cardData: Pick<ShownCardData, 'faceProof' | 'attributesProof' | 'holder'> | undefined;
  readonly revocation: RevocationResult | undefined;
  readonly eligibility: AskedEligibility | undefined;
  readonly lastKnown: LastKnown;
  readonly faceCheck: FaceCheck | undefined;
  readonly patient: KnownPatient | undefined;
  readonly steps: Visit['steps'];
  readonly apdu: Visit['apdu'];
  readonly health: CentreHealth;
}

const NO_ELIGIBILITY: EligibilityView = { validity: 'unknown', source: 'none', results: [], changes: [] };

/** SHA-256(serial bytes ‖ institution code): what may be stored of a serial, and what the SP's list is made of. */
function hashSerial(serial: Uint8Array, institutionCode: string): string {
  return createHash('sha256').update(serial).update(institutionCode, 'ascii').digest('hex');
}

/** Refused: somebody decided against it. Failed: something went wrong. */
function outcomeOf(error: ErrorCode | undefined): Visit['outcome'] {
  if (error === undefined) return 'accepted';
  // A mistyped 照合番号B says nothing about the patient.
  if (error.startsWith('patient.security-code-')) return 'failed';
  return error.startsWith('patient.') || error === 'tap.consent-refused' || error === 'card.not-genuine'
    ? 'refused'
    : 'failed';
}

/** What this visit itself learnt of the centre counts more than what was known before. */
function modeFrom({ health, revocation, eligibility }: TapFindings): Mode {
  return modeOf({
    ...health,
    ...(revocation?.status === 'good' ? { revocation: revocation.checkedBy === 'ocsp' } : {}),
    ...(revocation?.status === 'unknown' ? { revocation: false } : {}),
    ...(eligibility === undefined ? {} : { eligibility: 'answer' in eligibility }),
  });
}

/** The insured number of a single result, so that an offline visit can be reconciled later without the card. */
export function insuredNumberOf(answer: EligibilityAnswer | undefined): InsuredNumber | undefined {
  const [only, ...others] = answer?.ResultList ?? [];
  if (only === undefined || others.length > 0) return undefined;
  return {
    InsurerNumber: only.InsurerNumber,
    ...(only.InsuredCardSymbol === undefined ? {} : { InsuredCardSymbol: only.InsuredCardSymbol }),
    InsuredIdentificationNumber: only.InsuredIdentificationNumber,
    ...(only.InsuredBranchNumber === undefined ? {} : { InsuredBranchNumber: only.InsuredBranchNumber }),
    Birthdate: only.Birthdate,
  };
}

function openQuestionsOf(findings: TapFindings): VisitFacts['openReasons'] {
  const { revocation, eligibility, patient } = findings;
  return {
    ...(revocation?.status === 'unknown' ? { revocation: revocation.why } : {}),
    ...(eligibility !== undefined && 'unavailable' in eligibility
      ? { eligibility: eligibility.unavailable }
      : {}),
    ...(findings.cardId !== undefined && patient?.patientNumber === undefined
      ? { 'patient-number': 'patient.not-linked' as const }
      : {}),
  };
}

function certificateView(findings: TapFindings, nowMs: number): Visit['certificate'] {
  const { certificate, revocation } = findings;
  if (certificate === undefined) return undefined;
  const expiresInDays = daysToWarn(certificate.notAfterMs, nowMs);
  return {
    revocation: revocation?.status === 'good' ? 'good' : 'unknown',
    notAfter: new Date(certificate.notAfterMs).toISOString(),
    ...(expiresInDays === undefined ? {} : { expiresInDays }),
  };
}

/**
 * Everything that `writeVisit` needs. A visit that was not accepted shows no eligibility at all: not even to tell the
 * clerk whose it would have been.
 */
export function makeVisitFacts(
  findings: TapFindings,
  problem: ErrorCode | undefined,
  nowMs: number,
): VisitFacts {
  const fresh =
    findings.eligibility !== undefined && 'answer' in findings.eligibility ? findings.eligibility : undefined;
  const holderCheck = checkHolder(findings.cardData?.holder, (fresh ?? findings.lastKnown)?.answer);
  const error = problem ?? (holderCheck === 'different' ? 'patient.holder-mismatch' : undefined);
  const outcome = outcomeOf(error);
  const accepted = outcome === 'accepted';
  const openReasons = accepted ? openQuestionsOf(findings) : {};
  const certificate = certificateView(findings, nowMs);
  const draft: VisitDraft = {
    visitId: findings.visitId,
    at: new Date(nowMs).toISOString(),
    mode: accepted ? modeFrom(findings) : modeOf(findings.health),
    outcome,
    ...(error === undefined ? {} : { error }),
    identifiedBy: 'organisation-authentication',
    ...(findings.cardId === undefined ? {} : { cardId: findings.cardId }),
    ...(findings.alternateCardId === undefined ? {} : { alternateCardId: findings.alternateCardId }),
    ...(findings.patient?.patientNumber === undefined
      ? {}
      : { patientNumber: findings.patient.patientNumber }),
    ...(certificate === undefined ? {} : { certificate }),
    ...(findings.faceCheck === undefined ? {} : { faceCheck: findings.faceCheck }),
    eligibility:
      accepted && findings.eligibility !== undefined
        ? viewEligibility(findings.eligibility, findings.lastKnown)
        : NO_ELIGIBILITY,
    steps: findings.steps,
    apdu: findings.apdu,
    unresolved: Object.keys(openReasons) as Visit['unresolved'],
  };
  return {
    draft,
    operatorId: findings.operatorId,
    institutionCode: findings.institutionCode,
    consentDigest: findings.consentDigest === undefined ? undefined : toHex(findings.consentDigest),
    proof: findings.proof,
    faceProof: findings.cardData?.faceProof,
    attributesProof: findings.cardData?.attributesProof,
    holderCheck: findings.cardData?.holder && holderCheck,
    revocation: findings.revocation?.status ?? 'not-checked',
    serialHash:
      findings.certificate === undefined
        ? undefined
        : hashSerial(findings.certificate.serial, findings.institutionCode),
    freshEligibility: fresh,
    insured: insuredNumberOf(fresh?.answer),
    typedInsured: undefined,
    openReasons,
  };
}
