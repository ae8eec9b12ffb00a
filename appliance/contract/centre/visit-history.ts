/** Messages with the visit-history service (受診履歴管理サービス). */
import { z } from 'zod';
import { HexOf, Instant, InstitutionCode } from './wire.ts';

/** PUT /v1/visits/{visitId} -> 201 first time, 200 when the identical record is sent again, 409 when it differs. */
export const VisitRecord = z.strictObject({
  visitId: z.uuid(),
  institutionCode: InstitutionCode,
  /** Institution card ID, or absent when the patient came without a card. Never the certificate serial. */
  cardId: z.string().max(40).optional(),
  visitedAt: Instant,
  mode: z.enum(['online', 'degraded', 'offline']),
  identifiedBy: z.enum(['organisation-authentication', 'insured-number']),
  faceCheck: z.enum(['card-photo', 'printed-photo', 'not-done']),
  eligibility: z.enum([
    'valid',
    'invalid',
    'invalid-newer-exists',
    'none',
    'several',
    'unregistered',
    'unknown',
  ]),
  evidence: z.strictObject({ seq: z.number().int().min(1), hash: HexOf(32) }),
});
export type VisitRecord = z.infer<typeof VisitRecord>;

export const VisitReceipt = z.strictObject({ visitId: z.uuid(), receivedAt: Instant });
export type VisitReceipt = z.infer<typeof VisitReceipt>;
