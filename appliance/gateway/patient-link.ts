/** Links a card ID to the clinic's own patient number. The certificate serial is nowhere in sight. */
import { createHash } from 'node:crypto';
import { parseCardId } from '#card/card-id.ts';
import type { InsuredNumber } from '#contract/centre/eligibility.ts';
import { SekishoError } from '#contract/errors.ts';
import type { Caller } from './face.ts';
import type { GatewayParts } from './parts.ts';

/**
 * Durable when it resolves. One patient may have several cards (renewal, phone), one card only one patient:
 * a card that already belongs to another number is refused with `patient.link-conflict`, an ID whose check character is
 * wrong with `request.invalid`: a person may have typed it.
 */
export async function linkPatient(
  parts: GatewayParts,
  caller: Caller,
  cardId: string,
  patientNumber: string,
  insured: InsuredNumber | undefined,
): Promise<void> {
  parseCardId(cardId);
  const known = parts.queries.patientByCard(cardId);
  if (known?.patientNumber !== undefined && known.patientNumber !== patientNumber) {
    throw new SekishoError('patient.link-conflict', { field: '/patientNumber' });
  }
  const patientNumberHash = createHash('sha256')
    .update(parts.samAccess.institutionCode)
    .update(patientNumber)
    .digest('hex');
  await parts.ledger.append(
    {
      kind: 'patient-linked',
      at: new Date(parts.clock.nowMs()).toISOString(),
      cardId,
      patientNumberHash,
      operatorId: caller.operatorId,
    },
    {
      effects: () => [
        { do: 'link-patient', cardId, patientNumber, ...(insured === undefined ? {} : { insured }) },
      ],
    },
  );
}
