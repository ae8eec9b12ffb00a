/**
 * Messages with the service provider (SP, 保険資格確認PF): device proof, SAM unlock, roster, revoked card IDs.
 *
 * Every service of the centre wants mutual TLS **and** `POST /v1/device/proof` once per TLS connection:
 * the SAM signs the TLS exporter, so a stolen TLS key alone opens nothing.
 */
import { z } from 'zod';
import { Base64, HexOf, Instant } from './wire.ts';

/** POST /v1/device/proof -> 204. Later requests on the same TLS connection are that device's. */
export const DeviceProof = z.strictObject({
  /** X.509 device certificate from the SAM (DF21). */
  deviceCertificate: Base64,
  /** INTERNAL AUTHENTICATE over the exporter bytes (`docs/sam-profile.md` 4.5), DER. */
  signature: Base64,
});
export type DeviceProof = z.infer<typeof DeviceProof>;

/** POST /v1/sam/unlock */
export const SamUnlockRequest = z.strictObject({
  samId: HexOf(8),
  challenge: HexOf(32),
  networkId: HexOf(16),
});
export type SamUnlockRequest = z.infer<typeof SamUnlockRequest>;

/** The complete data field for EXTERNAL AUTHENTICATE P2=01 (E1 object ‖ 9E signature). */
export const SamUnlockGrant = z.strictObject({
  grant: Base64,
  maxUses: z.number().int().min(1).max(65_535),
  maxTicks: z.number().int().min(0),
});
export type SamUnlockGrant = z.infer<typeof SamUnlockGrant>;

/** GET /v1/orders: what the SP wants of this device. The only answers that a revoked device with an order still gets. */
export const SamOrders = z.strictObject({ disable: z.boolean() });
export type SamOrders = z.infer<typeof SamOrders>;

/** POST /v1/sam/disable, while `SamOrders` says so. */
export const SamDisableRequest = z.strictObject({ samId: HexOf(8), challenge: HexOf(32) });
export type SamDisableRequest = z.infer<typeof SamDisableRequest>;

/** The complete data field for DISABLE (E2 object ‖ 9E signature). */
export const SamDisableOrder = z.strictObject({ order: Base64 });
export type SamDisableOrder = z.infer<typeof SamDisableOrder>;

/**
 * POST /v1/data-key/rewrap: after a SAM was replaced. `wrapped` is what that SAM wrapped (`docs/sam-profile.md` 4.9); the
 * answer is the same key for the SAM that proves itself on this connection, of the same institution.
 */
export const DataKeyRewrapRequest = z.strictObject({ fromSamId: HexOf(8), wrapped: HexOf(40) });
export type DataKeyRewrapRequest = z.infer<typeof DataKeyRewrapRequest>;

export const DataKeyRewrapped = z.strictObject({ wrapped: HexOf(40) });
export type DataKeyRewrapped = z.infer<typeof DataKeyRewrapped>;

export const OperatorRole = z.enum(['administrator', 'doctor', 'nurse', 'clerk']);
export type OperatorRole = z.infer<typeof OperatorRole>;

export const RosterOperator = z.strictObject({
  /** SHA-256 of the DER SubjectPublicKeyInfo of the card's authentication key. */
  keyId: HexOf(32),
  displayName: z.string().min(1).max(80),
  roles: z.array(OperatorRole).min(1),
  suspended: z.boolean(),
  cardKind: z.enum(['hpki', 'my-number']),
});
export type RosterOperator = z.infer<typeof RosterOperator>;

/** GET /v1/roster */
export const RosterAnswer = z.strictObject({
  version: z.number().int().min(1),
  operators: z.array(RosterOperator).max(100),
  /** The complete data field for ROSTER UPDATE (E3 object ‖ 9E signature). */
  update: Base64,
});
export type RosterAnswer = z.infer<typeof RosterAnswer>;

/**
 * GET /v1/revoked-devices: SAM ids of the asking institution that are revoked. For anchors (`docs/anchor.md`), which have
 * no SAM: the TLS client certificate of the institution is enough.
 */
export const RevokedDevices = z.strictObject({
  asOf: Instant,
  devices: z.array(HexOf(8)),
});
export type RevokedDevices = z.infer<typeof RevokedDevices>;

/** GET /v1/revoked-cards: SHA-256(serial bytes ‖ institution code ASCII) of revoked certificates seen here. */
export const RevokedCards = z.strictObject({
  asOf: Instant,
  hashes: z.array(HexOf(32)),
});
export type RevokedCards = z.infer<typeof RevokedCards>;
