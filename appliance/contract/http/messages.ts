/** Bodies and answers of the local API that are not documents of their own (snapshot, visit, operator). */
import { z } from 'zod';
import { InsuredNumber } from '../centre/eligibility.ts';
import { Instant } from '../centre/wire.ts';
import { ERROR_CODES } from '../errors.ts';
import { Operator } from '../operator.ts';
import { FaceCheck, UnresolvedVisit, Visit } from '../visit.ts';

/**
 * 4 digits on a My Number Card, 4 to 16 printable characters on an HPKI card. The edge lifts the bytes out of the
 * message before it is parsed, so no string of the PIN is ever made.
 */
const Pin = z
  .string()
  .regex(/^[\x21-\x7e]{4,16}$/)
  .meta({ format: 'password' });

export const CardAndPin = {
  cardKind: z.enum(['hpki', 'my-number']),
  /** Absent: it is entered on the keys of the box, and reaches no screen. */
  pin: Pin.optional(),
  /** Set after `operator.pin-last-try`, when the operator still wants to go on. */
  acceptLastTry: z.boolean().default(false),
  /** Which screen asks, for the evidence: "counter", "phone-2". */
  screen: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,39}$/)
    .default('counter'),
};

export const SignIn = z.strictObject(CardAndPin);

export const Session = z.strictObject({ operator: Operator, until: Instant });
export type Session = z.infer<typeof Session>;

export const SamUnlock = z.discriminatedUnion('mode', [
  z.strictObject({ mode: z.literal('online') }),
  z.strictObject({ mode: z.literal('offline'), ...CardAndPin }),
]);

export const SamLock = z.strictObject({
  reason: z
    .string()
    .regex(/^[a-z][a-z-]{0,39}$/)
    .default('operator'),
});

export const TapStart = z.strictObject({
  purpose: z.literal('insurance-eligibility'),
  /** Ask for limit-application information too; the consent text says so. */
  includeLimitInfo: z.boolean(),
  /** 照合番号B, printed on the card, opens the photo and, of a new card, the four attributes. Handled as a PIN. */
  verificationNumberB: z
    .string()
    .regex(/^\d{14}$/)
    .meta({ format: 'password' })
    .optional(),
  /** 券面事項入力補助用暗証番号, typed by the patient: opens the four attributes of a new card, over secure messaging. */
  attributesPin: z
    .string()
    .regex(/^\d{4}$/)
    .meta({ format: 'password' })
    .optional(),
});

export const TapStarted = z.strictObject({
  tapId: z.uuid(),
  consentText: z.strictObject({ version: z.string(), ja: z.string(), en: z.string() }),
});
export type TapStarted = z.infer<typeof TapStarted>;

export const TapWait = z.strictObject({
  /** Answer only when the tap reaches faceCheck, done or failed, or after this time. */
  waitMs: z.coerce.number().int().min(0).max(60_000).default(0),
});

export const ConsentDecision = z.strictObject({ decision: z.enum(['ok', 'refused']) });

export const FaceCheckResult = FaceCheck;

export const PatientNumber = z.string().regex(/^[0-9A-Za-z-]{1,20}$/);

export const VisitByInsuredNumber = z.strictObject({
  insured: InsuredNumber,
  patientNumber: PatientNumber.optional(),
});

export const PatientLink = z.strictObject({
  patientNumber: PatientNumber,
  insured: InsuredNumber.optional(),
});

export const Reconcile = z.strictObject({ insured: InsuredNumber.optional() });

export const VisitsOfDay = z.strictObject({ day: z.iso.date() });

export const VisitList = z.strictObject({ visits: z.array(Visit) });
export const UnresolvedList = z.strictObject({ visits: z.array(UnresolvedVisit) });

export const TapPath = z.strictObject({ tapId: z.uuid() });
export const VisitPath = z.strictObject({ visitId: z.uuid() });
/** Institution card ID (`docs/card-id.md`): a pseudonym of this clinic, so it may stand in a URL. */
export const CardPath = z.strictObject({
  cardId: z
    .string()
    .regex(/^[RK]\d(-[0-9A-HJKMNP-TV-Z]{5}){4}-[0-9A-HJKMNP-TV-Z]{4}[0-9A-HJKMNP-TV-Z*~$=U]$/),
});

const ErrorTextSchema = z.strictObject({ title: z.string(), next: z.string() });

export const ErrorList = z.strictObject({
  errors: z.array(
    z.strictObject({
      code: z.enum(ERROR_CODES),
      wire: z.number().int(),
      http: z.number().int(),
      who: z.string(),
      // biome-ignore lint/suspicious/noThenProperty: a string is not callable
      then: z.string(),
      ja: ErrorTextSchema,
      en: ErrorTextSchema,
    }),
  ),
});

export const Health = z.strictObject({ alive: z.literal(true), ready: z.boolean() });

/** RFC 9457 problem details, with what screens need to say the same in every language. */
export const Problem = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  code: z.enum(ERROR_CODES),
  /** What to do now, in the language asked for. */
  next: z.string(),
  // biome-ignore lint/suspicious/noThenProperty: a string is not callable, so nothing mistakes this for a promise
  then: z.string(),
  who: z.string(),
  /** JSON pointer or parameter at fault. */
  field: z.string().optional(),
  requestId: z.string(),
  /** PIN tries that are left on the card, with `operator.pin-wrong` and `operator.pin-last-try`. */
  triesLeft: z.number().int().min(0).optional(),
});
export type Problem = z.infer<typeof Problem>;
