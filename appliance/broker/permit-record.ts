/** A permit and how far it has run, as the broker remembers it across restarts. */
import { z } from 'zod';
import { fromHex, toHex } from '#card/bytes.ts';
import { HexOf } from '#contract/centre/wire.ts';
import { MAX_PERMIT_BYTES, type SignedPermit } from './permit-message.ts';

const HexUpTo = (maxBytes: number): z.ZodString =>
  z
    .string()
    .max(maxBytes * 2)
    .regex(/^(?:[0-9a-f]{2})*$/);

export const PermitEnd = z.enum([
  'returned',
  'expired',
  'used-up',
  'clock-jumped',
  'revoked',
  'ended-by-hand',
  'tampered',
]);
export type PermitEnd = z.infer<typeof PermitEnd>;

export const EndedPermit = z.strictObject({
  permitId: HexOf(32),
  reason: PermitEnd,
  usesSpent: z.number().int().min(0),
});

export type EndedPermit = z.infer<typeof EndedPermit>;

export interface PermitRecord {
  readonly signed: SignedPermit;
  readonly usesSpent: number;
  readonly isUsed: boolean;
  readonly markMs: number;
  readonly closesAtMs: number | undefined;
  readonly ended: EndedPermit | undefined;
}

const StoredPermit = z.strictObject({
  message: HexUpTo(MAX_PERMIT_BYTES),
  keyId: HexOf(32),
  signature: HexUpTo(512),
  usesSpent: z.number().int().min(0),
  isUsed: z.boolean(),
  markMs: z.number(),
  closesAtMs: z.number().optional(),
  ended: EndedPermit.optional(),
});

export function writePermitRecord({
  signed,
  usesSpent,
  isUsed,
  markMs,
  closesAtMs,
  ended,
}: PermitRecord): Uint8Array {
  const { message, keyId, signature } = signed;
  const stored = {
    message: toHex(message),
    keyId,
    signature: toHex(signature),
    usesSpent,
    isUsed,
    markMs,
    ...(closesAtMs === undefined ? {} : { closesAtMs }),
    ...(ended === undefined ? {} : { ended }),
  };
  return new Uint8Array(Buffer.from(JSON.stringify(stored)));
}

/** Undefined for what is no record: a permit of which nothing is known is none. */
export function readPermitRecord(bytes: Uint8Array | undefined): PermitRecord | undefined {
  if (bytes === undefined) return undefined;
  const parsed = StoredPermit.safeParse(parseJson(bytes));
  if (!parsed.success) return undefined;
  const { message, keyId, signature, closesAtMs, ended, ...progress } = parsed.data;
  const signed = { message: fromHex(message), keyId, signature: fromHex(signature) };
  return { ...progress, signed, closesAtMs, ended };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return undefined;
  }
}
