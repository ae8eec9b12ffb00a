/** What a tap answers: the visit as the counter sees it. */
import { z } from 'zod';
import { Qualification } from './centre/eligibility.ts';
import { CompactDate, Instant } from './centre/wire.ts';
import { ERROR_CODES } from './errors.ts';
import { Mode } from './snapshot.ts';

export const EligibilityValidity = z.enum([
  'valid',
  'invalid',
  'invalid-newer-exists',
  'none',
  'several',
  'unregistered',
  'unknown',
]);
export type EligibilityValidity = z.infer<typeof EligibilityValidity>;

export const EligibilityView = z.strictObject({
  validity: EligibilityValidity,
  /** `now` from the centre, `last-known` from our store, `none` when there is neither. */
  source: z.enum(['now', 'last-known', 'none']),
  checkedAt: Instant.optional(),
  /** Why it is not `now`. */
  reason: z.enum(ERROR_CODES).optional(),
  results: z.array(Qualification),
  /** Official element names whose value differs from the last known state. */
  changes: z.array(z.string()),
});
export type EligibilityView = z.infer<typeof EligibilityView>;

export const FaceCheck = z.strictObject({
  method: z.enum(['card-photo', 'printed-photo']),
  result: z.enum(['match', 'mismatch']),
});
export type FaceCheck = z.infer<typeof FaceCheck>;

export const Visit = z.strictObject({
  visitId: z.uuid(),
  at: Instant,
  mode: Mode,
  outcome: z.enum(['accepted', 'refused', 'failed']),
  /** Why, when not accepted. */
  error: z.enum(ERROR_CODES).optional(),
  identifiedBy: z.enum(['organisation-authentication', 'insured-number']),
  cardId: z.string().optional(),
  /** The other ID of the same card during the RSA to ECDSA transition. */
  alternateCardId: z.string().optional(),
  patientNumber: z.string().optional(),
  certificate: z
    .strictObject({
      revocation: z.enum(['good', 'unknown']),
      notAfter: Instant,
      /** Days until notAfter when it is near enough to tell the patient (<= 90). */
      expiresInDays: z.number().int().optional(),
    })
    .optional(),
  faceCheck: FaceCheck.optional(),
  eligibility: EligibilityView,
  evidence: z.strictObject({ seq: z.number().int(), hash: z.string() }),
  visitRecord: z.enum(['delivered', 'queued', 'none']),
  steps: z.array(z.strictObject({ name: z.string(), ms: z.number() })),
  apdu: z.strictObject({
    card: z.strictObject({ count: z.number(), bytesOut: z.number(), bytesIn: z.number() }),
    sam: z.strictObject({ count: z.number(), bytesOut: z.number(), bytesIn: z.number() }),
  }),
  /** What is still open and will be reconciled by itself or by a clerk. */
  unresolved: z.array(z.enum(['revocation', 'eligibility', 'patient-number'])),
});
export type Visit = z.infer<typeof Visit>;

/** 基本4情報 as the issuer signed them on the card, for registering a new patient. Kept, logged and recorded nowhere. */
export const CardAttributes = z.strictObject({
  /** Family and given name, with U+3000 between them. */
  name: z.string(),
  address: z.string(),
  /** YYYYMMDD, zeros where a part is unknown. */
  birthDate: CompactDate,
  sex: z.enum(['male', 'female', 'not-applicable', 'unknown']),
});
export type CardAttributes = z.infer<typeof CardAttributes>;

/** The visit as the clerk who finished the tap gets it, once. */
export const TapResult = z.strictObject({
  ...Visit.shape,
  /** Only of an accepted visit of a card without patient number, when 照合番号B or the PIN was given. */
  cardAttributes: CardAttributes.optional(),
  /** Why there are none, although they were asked for. */
  cardAttributesMissing: z.enum(ERROR_CODES).optional(),
});
export type TapResult = z.infer<typeof TapResult>;

/** A visit with something open, and for how long. */
export const UnresolvedVisit = z.strictObject({
  visitId: z.uuid(),
  at: Instant,
  cardId: z.string().optional(),
  patientNumber: z.string().optional(),
  open: z.array(z.enum(['revocation', 'eligibility', 'patient-number'])),
  ageSeconds: z.number().int(),
  reason: z.enum(ERROR_CODES),
  /** The insured number that somebody typed is kept for it. */
  hasInsuredNumber: z.boolean(),
  attempts: z.number().int(),
});
export type UnresolvedVisit = z.infer<typeof UnresolvedVisit>;
