/** An administrator with a card, who signs permits; written from `docs/permit.md` without the broker's code. */
import { type BrokerRig, cardSignature, type RigOperator, SAM_ID } from './broker-rig.ts';

export interface PermitChanges {
  readonly label?: string;
  readonly samId?: string;
  readonly networkId?: string;
  readonly nonce?: string;
  readonly issuedAtMs?: number;
  readonly untilMs?: number;
  readonly maxUses?: number;
  /** Key ids, as they shall stand in it. */
  readonly operators?: readonly string[];
  readonly count?: number;
  readonly signer?: RigOperator;
  /** Whose key id is claimed. */
  readonly keyId?: string;
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

export function signPermit(rig: BrokerRig, nonce: string, changes: PermitChanges = {}): object {
  const { signer = rig.administrator, operators = [rig.nurse.keyId] } = changes;
  const issuedAtMs = changes.issuedAtMs ?? rig.clock.nowMs();
  const message = [
    Buffer.from(changes.label ?? 'SEKISHO-PERMIT-1').toString('hex'),
    changes.samId ?? SAM_ID,
    changes.networkId ?? rig.anchor.networkId,
    changes.nonce ?? nonce,
    hex(Math.floor(issuedAtMs / 1_000), 16),
    hex(Math.floor((changes.untilMs ?? issuedAtMs + 3_600_000) / 1_000), 16),
    hex(changes.maxUses ?? 5, 4),
    hex(changes.count ?? operators.length, 4),
    ...operators,
  ].join('');
  const signature = cardSignature(signer.privateKey, Buffer.from(message, 'hex'));
  return { message, keyId: changes.keyId ?? signer.keyId, signature };
}

/** The whole way at home: nonce, card, broker. */
export async function grantPermit(rig: BrokerRig, changes: PermitChanges = {}): Promise<void> {
  const { nonce = '' } = await rig.ask('permitNonce');
  await rig.ask('grantPermit', signPermit(rig, nonce, changes));
}
