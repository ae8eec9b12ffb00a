/** The parts of a record that a verifier looks into, read from an export that nobody has vouched for yet. */
import { z } from 'zod';
import { canonicalJson } from './canonical.ts';
import { Flaw } from './flaw.ts';

const HexBytes = (bytes: number): z.ZodString => z.string().regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`));
const HexText = z.string().regex(/^(?:[0-9a-f]{2})+$/);

const Proof = z.looseObject({
  samId: HexBytes(8),
  useCounter: z.number().int().min(0).max(0xffff_ffff),
  tapId: z.uuid(),
  consentDigest: HexBytes(32),
  cardChallenge: HexText,
  ticks: z.string().regex(/^(0|[1-9]\d{0,18})$/),
  tickNonce: HexBytes(16),
  tapChallenge: HexBytes(32),
});
export type AuditedProof = z.infer<typeof Proof>;

const Visit = z.looseObject({
  kind: z.literal('visit'),
  consentDigest: HexBytes(32).optional(),
  proof: Proof.optional(),
});
export type AuditedVisit = z.infer<typeof Visit>;

const ConsentGiven = z.looseObject({
  kind: z.literal('consent'),
  tapId: z.uuid(),
  consent: z.looseObject({}),
});

const TickAnchor = z.looseObject({
  kind: z.literal('tick-anchor'),
  tickStamp: HexText,
  token: z.base64(),
});
export type AuditedAnchor = z.infer<typeof TickAnchor>;

/** Kinds without a rule of their own; the chain and the stamp hold them. */
const Other = z.looseObject({ kind: z.string() });

export type AuditedRecord =
  | { readonly is: 'visit'; readonly visit: AuditedVisit }
  | { readonly is: 'consent'; readonly consent: z.infer<typeof ConsentGiven> }
  | { readonly is: 'tick-anchor'; readonly anchor: AuditedAnchor }
  | { readonly is: 'other' };

/** Reads a chain entry whose frame is known to be right; refuses any JSON that is not its own canonical form. */
export function parseAuditedEntry(canonical: Buffer): AuditedRecord {
  const text = canonical.toString('utf8');
  const entry = parseCanonical(text);
  try {
    const record = Other.parse((entry as { record?: unknown }).record);
    switch (record.kind) {
      case 'visit':
        return { is: 'visit', visit: Visit.parse(record) };
      case 'consent':
        return { is: 'consent', consent: ConsentGiven.parse(record) };
      case 'tick-anchor':
        return { is: 'tick-anchor', anchor: TickAnchor.parse(record) };
      default:
        return { is: 'other' };
    }
  } catch {
    throw new Flaw('record-malformed');
  }
}

/** Two readings of one text (a repeated name, say) would let two people see two things under one hash. */
function parseCanonical(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    if (canonicalJson(value) === text) return value;
  } catch {
    // falls through: what does not parse is not canonical either
  }
  throw new Flaw('record-not-canonical');
}
