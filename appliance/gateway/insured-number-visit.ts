/** A visit without a card: eligibility by the number on the 資格確認書. The check digits have been verified before. */
import type { InsuredNumber } from '#contract/centre/eligibility.ts';
import type { Visit } from '#contract/visit.ts';
import { askEligibility, viewEligibility } from './eligibility-check.ts';
import type { Caller } from './face.ts';
import type { GatewayParts } from './parts.ts';
import { modeOf } from './snapshot.ts';
import { writeVisit } from './visit-writer.ts';

const NO_APDUS = { count: 0, bytesOut: 0, bytesIn: 0 };

export class InsuredNumberVisit {
  readonly #parts: GatewayParts;

  constructor(parts: GatewayParts) {
    this.#parts = parts;
  }

  async run(
    caller: Caller,
    visitId: string,
    insured: InsuredNumber,
    patientNumber: string | undefined,
  ): Promise<Visit> {
    const { clock, centre } = this.#parts;
    const institutionCode = this.#parts.samHolder.institutionCode;
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
    const sam = this.#parts.samHolder.current;
    return writeVisit(
      this.#parts,
      {
        draft: {
          visitId,
          at: new Date(clock.nowMs()).toISOString(),
          mode: modeOf(centre.health()),
          outcome: 'accepted',
          identifiedBy: 'insured-number',
          ...(patientNumber === undefined ? {} : { patientNumber }),
          eligibility: viewEligibility(asked, undefined),
          steps: [{ name: 'eligibility', ms }],
          apdu: { card: NO_APDUS, sam: NO_APDUS },
          unresolved: 'unavailable' in asked ? ['eligibility'] : [],
        },
        operatorId: caller.operatorId,
        institutionCode,
        consentDigest: undefined,
        proof: undefined,
        revocation: 'not-checked',
        serialHash: undefined,
        freshEligibility: undefined,
        insured: undefined,
        openReasons: 'unavailable' in asked ? { eligibility: asked.unavailable } : {},
      },
      sam === undefined ? undefined : (digest) => sam.tickStamp(digest),
    );
  }
}
