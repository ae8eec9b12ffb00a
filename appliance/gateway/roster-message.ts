/** What an administrator's card signs to change the roster: 144 bytes of fixed fields. @see docs/operators.md */
import { createHash } from 'node:crypto';
import type { CardKind, RosterAction } from '#contract/centre/roster-change.ts';
import type { OperatorRole } from '#contract/centre/service-provider.ts';

export interface RosterMessage {
  /** 16 hex digits. */
  readonly samId: string;
  /** 10 digits. */
  readonly institutionCode: string;
  readonly baseVersion: number;
  readonly action: RosterAction;
  /** 64 hex digits, of whom it is about. */
  readonly keyId: string;
  /** Of who is added. */
  readonly added?: { readonly cardKind: CardKind; readonly displayName: string };
  /** After the change, of who is added or gets other ones. */
  readonly roles?: readonly OperatorRole[];
  /** The SP's, 64 hex digits. */
  readonly nonce: string;
}

const LABEL = 'SEKISHO-ROSTER-CHANGE-1';
const ACTION: Readonly<Record<RosterAction, number>> = {
  add: 1,
  suspend: 2,
  reinstate: 3,
  remove: 4,
  'change-roles': 5,
};
const CARD_KIND: Readonly<Record<CardKind, number>> = { hpki: 1, 'my-number': 2 };
const ROLE_BIT: Readonly<Record<OperatorRole, number>> = { administrator: 1, doctor: 2, nurse: 4, clerk: 8 };

export function encodeRosterMessage(change: RosterMessage): Uint8Array {
  const { samId, institutionCode, baseVersion, action, keyId, added, roles = [], nonce } = change;
  const version = Buffer.alloc(4);
  version.writeUInt32BE(baseVersion);
  const kind = added === undefined ? 0 : CARD_KIND[added.cardKind];
  const bits = roles.reduce((sum, role) => sum | ROLE_BIT[role], 0);
  return Buffer.concat([
    Buffer.from(LABEL, 'ascii'),
    Buffer.from(samId, 'hex'),
    Buffer.from(institutionCode, 'ascii'),
    version,
    Buffer.of(ACTION[action]),
    Buffer.from(keyId, 'hex'),
    Buffer.of(kind, bits),
    added === undefined ? Buffer.alloc(32) : createHash('sha256').update(added.displayName, 'utf8').digest(),
    Buffer.from(nonce, 'hex'),
  ]);
}
