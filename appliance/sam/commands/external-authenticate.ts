/** EXTERNAL AUTHENTICATE: the SP or an operator's card unlocks the SAM. @see docs/sam-profile.md 4.4 */
import { concatBytes } from '#card/bytes.ts';
import { encodeTlv } from '#card/tlv.ts';
import type { SamLine } from '../line.ts';
import { encodeObject, TEMPLATES } from '../messages.ts';
import { STATUS } from '../status.ts';

const OFFLINE_UNLOCK_LABEL = new TextEncoder().encode('SEKISHO-OFFLINE-UNLOCK-1');

export interface OfflineUnlock {
  /** SHA-256 of the DER SubjectPublicKeyInfo of the operator card's key. */
  readonly keyId: Uint8Array;
  readonly networkId: Uint8Array;
  /** By the operator's card over `offlineUnlockMessage`: PKCS#1 v1.5 SHA-256, or raw ECDSA P-384/SHA-384. */
  readonly signature: Uint8Array;
}

/** `grant` is the E1 object and its signature, as the SP sent them. */
export async function unlockOnline(line: SamLine, grant: Uint8Array): Promise<void> {
  const command = { cla: 0x00, ins: 0x82, p1: 0x00, p2: 0x01, data: grant };
  await line.request(command, { table: STATUS.unlock });
}

/** M2: what the operator's card signs. */
export function offlineUnlockMessage(
  samId: Uint8Array,
  challenge: Uint8Array,
  networkId: Uint8Array,
): Uint8Array {
  return concatBytes(OFFLINE_UNLOCK_LABEL, samId, challenge, networkId);
}

export async function unlockOffline(line: SamLine, unlock: OfflineUnlock): Promise<void> {
  const operator = encodeTlv(
    TEMPLATES.operatorUnlock,
    encodeObject('keyId', unlock.keyId),
    encodeObject('networkId', unlock.networkId),
  );
  const data = concatBytes(operator, encodeObject('signature', unlock.signature));
  await line.request({ cla: 0x00, ins: 0x82, p1: 0x00, p2: 0x02, data }, { table: STATUS.unlock });
}
