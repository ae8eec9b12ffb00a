/** The three things the SP signs for a SAM: unlock grant E1, disable order E2, roster E3 (`docs/sam-profile.md` 2, 4). */
import { type KeyObject, sign } from 'node:crypto';
import type { OperatorRole } from '#contract/centre/service-provider.ts';
import { encodeTlv } from '../asn1/tlv.ts';
import type { OperatorRecord } from './registry.ts';

const TAG = {
  grant: 0xe1,
  disable: 0xe2,
  roster: 0xe3,
  operator: 0xe8,
  samId: 0x80,
  challenge: 0x81,
  networkId: 0x82,
  version: 0x86,
  keyId: 0x8b,
  maxUses: 0x8c,
  maxTicks: 0x8d,
  roles: 0x8f,
  publicKey: 0x90,
  issuedAt: 0x94,
  signature: 0x9e,
} as const;

const ROLE_BIT: Readonly<Record<OperatorRole, number>> = {
  administrator: 0x01,
  doctor: 0x02,
  nurse: 0x04,
  clerk: 0x08,
};
const SUSPENDED_BIT = 0x80;

export interface UnlockGrant {
  readonly samId: string;
  readonly challenge: string;
  readonly networkId: string;
  readonly maxUses: number;
  readonly maxTicks: number;
  readonly issuedAtMs: number;
}

/** Object ‖ 9E signature: ECDSA P-256 in DER over the complete object. */
function signObject(key: KeyObject, object: Buffer): Buffer {
  return Buffer.concat([object, encodeTlv(TAG.signature, sign('sha256', object, key))]);
}

const hexObject = (tag: number, hex: string): Buffer => encodeTlv(tag, Buffer.from(hex, 'hex'));

function numberObject(tag: number, value: number, lengthBytes: number): Buffer {
  const content = Buffer.alloc(8);
  content.writeBigUInt64BE(BigInt(value));
  return encodeTlv(tag, content.subarray(8 - lengthBytes));
}

export function signUnlockGrant(key: KeyObject, grant: UnlockGrant): Buffer {
  const object = encodeTlv(
    TAG.grant,
    hexObject(TAG.samId, grant.samId),
    hexObject(TAG.challenge, grant.challenge),
    hexObject(TAG.networkId, grant.networkId),
    numberObject(TAG.maxUses, grant.maxUses, 2),
    numberObject(TAG.maxTicks, grant.maxTicks, 4),
    numberObject(TAG.issuedAt, Math.floor(grant.issuedAtMs / 1000), 8),
  );
  return signObject(key, object);
}

export function signDisableOrder(key: KeyObject, order: { samId: string; challenge: string }): Buffer {
  const object = encodeTlv(
    TAG.disable,
    hexObject(TAG.samId, order.samId),
    hexObject(TAG.challenge, order.challenge),
  );
  return signObject(key, object);
}

export function signRoster(
  key: KeyObject,
  roster: { samId: string; version: number; operators: readonly OperatorRecord[] },
): Buffer {
  const object = encodeTlv(
    TAG.roster,
    hexObject(TAG.samId, roster.samId),
    numberObject(TAG.version, roster.version, 4),
    ...roster.operators.map(encodeOperator),
  );
  return signObject(key, object);
}

function encodeOperator(operator: OperatorRecord): Buffer {
  const roles = operator.roles.reduce((bits, role) => bits | ROLE_BIT[role], 0);
  return encodeTlv(
    TAG.operator,
    hexObject(TAG.keyId, operator.keyId),
    numberObject(TAG.roles, operator.suspended ? roles | SUSPENDED_BIT : roles, 1),
    encodeTlv(TAG.publicKey, operator.publicKey),
  );
}
