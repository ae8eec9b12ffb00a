/** What an administrator's card signs to change the roster: fixed fields, so that one byte string means one change. @see docs/operators.md */

import type { CardKind, RosterAction } from '#contract/centre/roster-change.ts';
import type { OperatorRole } from '#contract/centre/service-provider.ts';
import { CentreRefusal } from '../http/problem.ts';

export interface RosterMessage {
  /** 16 lower-case hex digits. */
  readonly samId: string;
  readonly institutionCode: string;
  readonly baseVersion: number;
  readonly action: RosterAction;
  /** Whom it is about. */
  readonly keyId: string;
  /** `add` only. */
  readonly cardKind: CardKind | undefined;
  /** `add` and `change-roles` only; empty otherwise. */
  readonly roles: OperatorRole[];
  /** `add` only: SHA-256 of the display name, hex. */
  readonly nameHash: string | undefined;
  readonly nonce: Buffer;
}

const LABEL = Buffer.from('SEKISHO-ROSTER-CHANGE-1', 'ascii');
const BYTES = 144;
const ACTIONS: readonly RosterAction[] = ['add', 'suspend', 'reinstate', 'remove', 'change-roles'];
const CARD_KINDS: readonly CardKind[] = ['hpki', 'my-number'];
/** From the lowest bit on, as in the roster itself. */
const ROLES: readonly OperatorRole[] = ['administrator', 'doctor', 'nurse', 'clerk'];

function malformed(): CentreRefusal {
  return new CentreRefusal('message-invalid', 'What was signed is not a change of a roster.');
}

/** Throws `message-invalid` for anything that the format does not know; nothing is read leniently. */
export function parseRosterMessage(message: Buffer): RosterMessage {
  if (message.length !== BYTES || !message.subarray(0, LABEL.length).equals(LABEL)) throw malformed();
  let at = LABEL.length;
  const take = (bytes: number): Buffer => {
    at += bytes;
    return message.subarray(at - bytes, at);
  };
  const samId = take(8).toString('hex');
  const institutionCode = take(10).toString('latin1');
  const baseVersion = take(4).readUInt32BE();
  const action = ACTIONS[take(1).readUInt8() - 1];
  const keyId = take(32).toString('hex');
  const kind = take(1).readUInt8();
  const bits = take(1).readUInt8();
  const name = take(32);
  const nonce = Buffer.from(take(32));
  const roles = ROLES.filter((_role, bit) => (bits & (1 << bit)) !== 0);
  const cardKind = CARD_KINDS[kind - 1];
  const nameHash = name.every((byte) => byte === 0) ? undefined : name.toString('hex');
  const isAdd = action === 'add';
  if (
    action === undefined ||
    bits > 0x0f ||
    (isAdd ? cardKind === undefined || nameHash === undefined : kind !== 0 || nameHash !== undefined) ||
    (isAdd || action === 'change-roles') !== roles.length > 0
  ) {
    throw malformed();
  }
  return { samId, institutionCode, baseVersion, action, keyId, cardKind, roles, nameHash, nonce };
}
