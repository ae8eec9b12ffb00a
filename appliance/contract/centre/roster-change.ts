/**
 * Changing the roster from the appliance: an administrator's card signs what shall change, the SP verifies it and makes the
 * next roster version. The bytes that the card signs are in `docs/operators.md`; both sides write them for themselves.
 */
import { z } from 'zod';
import { OperatorRole } from './service-provider.ts';
import { Base64, HexOf } from './wire.ts';

export const CardKind = z.enum(['hpki', 'my-number']);
export type CardKind = z.infer<typeof CardKind>;

/** As a person calls an operator on the roster. */
export const DisplayName = z
  .string()
  .min(1)
  .max(80)
  // A name that ends a line or hides text could say something else on a list than was signed.
  .regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+$/u);

export const OperatorRoles = z
  .array(OperatorRole)
  .min(1)
  .refine((roles) => new Set(roles).size === roles.length);

export const RosterAction = z.enum(['add', 'suspend', 'reinstate', 'remove', 'change-roles']);
export type RosterAction = z.infer<typeof RosterAction>;

/** POST /v1/roster/nonce (no body): what the next change must name. The newest one of a SAM counts, for five minutes, once. */
export const RosterNonce = z.strictObject({
  nonce: HexOf(32),
  /** The version that the change must be based on. */
  version: z.number().int().min(1),
});
export type RosterNonce = z.infer<typeof RosterNonce>;

/** POST /v1/roster/changes -> `RosterAnswer`, the next version. What is not in `message` was not asked for. */
export const RosterChangeOrder = z.strictObject({
  /** The 144 bytes that the card signed. */
  message: Base64,
  /** Key id of the administrator who signed. */
  administrator: HexOf(32),
  /** RSA PKCS#1 v1.5 with SHA-256, or raw ECDSA P-384 with SHA-384, by the kind of key. */
  signature: Base64,
  /** For `add`: the name whose hash was signed, and the authentication certificate on the new operator's card (X.509 DER). */
  added: z.strictObject({ displayName: DisplayName, certificate: Base64 }).optional(),
});
export type RosterChangeOrder = z.infer<typeof RosterChangeOrder>;
