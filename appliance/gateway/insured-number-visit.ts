/** A visit without a card: eligibility by the number on the 資格確認書. The check digits have been verified before. */
import { randomUUID } from 'node:crypto';
import type { InsuredNumber } from '#contract/centre/eligibility.ts';
import type { Visit } from '#contract/visit.ts';
import { askEligibility, viewEligibility } from './eligibility-check.ts';
import type { Caller } from './face.ts';
import type { GatewayParts } from './parts.ts';
import { modeOf } from './snapshot.ts';
import { writeVisit } from './visit-writer.ts';

const NO_APDUS = { count: 0, bytesOut: 0, bytesIn: 0 };

export async function visitByInsuredNumber(
  parts: GatewayParts,
  caller: Caller,
  insured: InsuredNumber,
  patientNumber: string | undefined,
): Promise<Visit> {
  const { clock, centre, samAccess } = parts;
  const { institutionCode } = samAccess;
  const visitId = randomUUID();
  const startMs = clock.monotonicMs();
  const asked = await askEligibility(
    () =>
      centre.eligibility.byInsuredNumber({
        ...insured,
        MedicalInstitutionCode: institutionCode,
        LimitApplicationCertificateRelatedConsFlg: '0',
        ArbitraryIdentifier: visitId,
      }),
    () => clock.nowMs(),
  );
  const ms = Math.round((clock.monotonicMs() - startMs) * 10) / 10;
  const isOpen = 'unavailable' in asked;
  return writeVisit(parts, {
    draft: {
      visitId,
      at: new Date(clock.nowMs()).toISOString(),
      mode: modeOf({ ...centre.health(), eligibility: !isOpen }),
      outcome: 'accepted',
      identifiedBy: 'insured-number',
      ...(patientNumber === undefined ? {} : { patientNumber }),
      eligibility: viewEligibility(asked, undefined),
      steps: [{ name: 'eligibility', ms }],
      apdu: { card: NO_APDUS, sam: NO_APDUS },
      unresolved: isOpen ? ['eligibility'] : [],
    },
    operatorId: caller.operatorId,
    institutionCode,
    consentDigest: undefined,
    proof: undefined,
    faceProof: undefined,
    attributesProof: undefined,
    holderCheck: undefined,
    revocation: 'not-checked',
    serialHash: undefined,
    freshEligibility: undefined,
    insured: undefined,
    typedInsured: isOpen ? insured : undefined,
    openReasons: isOpen ? { eligibility: asked.unavailable } : {},
  });
}
