/** Field types that every message with the centre shares. */
import { z } from 'zod';

/** Base64 (RFC 4648 §4) of a byte string; the centre's only way to carry bytes in JSON. */
export const Base64 = z
  .string()
  .max(200_000)
  .regex(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/);

export const HexOf = (bytes: number): z.ZodString => z.string().regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`));

/** 医療機関コード: prefecture 2 + fee table 1 + number 7. */
export const InstitutionCode = z.string().regex(/^\d{10}$/);

/** Date as the eligibility service writes it, YYYYMMDD. */
export const CompactDate = z.string().regex(/^\d{8}$/);

/** Date and time, ISO 8601 in UTC with milliseconds. */
export const Instant = z.iso.datetime({ precision: 3 });

/** TLS exporter (RFC 5705 / RFC 8446 §7.5) that the SAM's device key signs, 32 bytes, no context. */
export const DEVICE_PROOF_EXPORTER_LABEL = 'EXPORTER-sekisho-device-proof';
export const DEVICE_PROOF_EXPORTER_BYTES = 32;

/**
 * On any answer to a proven device, refusals too, while the SP has an order for it: it then asks `GET /v1/orders` at once
 * instead of at its next turn. A hint: what is to be done only the SP says, and the SAM verifies.
 */
export const ORDERS_HEADER = 'sekisho-orders';
export const ORDERS_WAITING = 'waiting';

/** Centre errors: RFC 9457 with a stable `code`. */
export const CentreProblem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  code: z.enum([
    'device-proof-missing',
    'device-proof-wrong',
    'device-unknown',
    'device-revoked',
    'message-invalid',
    'limits-exceeded',
    'not-found',
    'conflict',
    'roster-outdated',
    'roster-not-administrator',
    'roster-signature-wrong',
    'roster-last-administrator',
    'roster-operator-known',
    'roster-operator-unknown',
    'roster-certificate-wrong',
    'roster-full',
    'internal',
  ]),
});
export type CentreProblem = z.infer<typeof CentreProblem>;
