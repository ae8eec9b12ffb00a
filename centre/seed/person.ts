/** One fictitious person: what is on the card, what the JPKI authority knows, what the insurer knows. */
import { z } from 'zod';
import { Qualification } from '#contract/centre/eligibility.ts';
import { CompactDate, Instant } from '#contract/centre/wire.ts';

export const PersonCertificate = z.strictObject({
  /** Hex, eight digits, top bit clear. */
  serial: z.string().regex(/^[0-7][0-9a-f]{7}$/),
  /** Which authority issued it; `p384` is the next card generation. */
  generation: z.enum(['g1', 'g2', 'p384']),
  notBefore: Instant,
  notAfter: Instant,
  status: z.enum([
    'good',
    'unspecified',
    'keyCompromise',
    'affiliationChanged',
    'superseded',
    'cessationOfOperation',
    'certificateHold',
  ]),
  revokedAt: Instant.optional(),
  /** False when the insurer has not linked the serial: the platform does not know the card. */
  linked: z.boolean(),
});
export type PersonCertificate = z.infer<typeof PersonCertificate>;

export const Person = z.strictObject({
  id: z.string().regex(/^P\d{4}$/),
  /** What the person is in the seed for; absent for the ordinary many. */
  edgeCase: z.string().optional(),
  name: z.string(),
  /** Half-width kana, as the eligibility service writes it. */
  nameKana: z.string(),
  nameLatin: z.string(),
  sex: z.enum(['1', '2', '3']),
  birthDate: CompactDate,
  postNumber: z.string().regex(/^\d{3}-\d{4}$/),
  address: z.string(),
  card: z.strictObject({
    pin: z.string().regex(/^\d{4}$/),
    /** Printed beside the photo; end of 照合番号B. */
    securityCode: z.string().regex(/^\d{4}$/),
    expires: CompactDate,
  }),
  /** Authentication certificates, oldest first; the last one is on the card. */
  certificates: z.array(PersonCertificate).min(1),
  /** Absent for children under 15. */
  signingCertificate: PersonCertificate.optional(),
  qualifications: z.array(z.strictObject({ qualification: Qualification, unregistered: z.boolean() })),
});
export type Person = z.infer<typeof Person>;
