/** INTERNAL AUTHENTICATE with the device key, also while locked. @see docs/sam-profile.md 4.5, ISO 7816-4 §11.5.2 */
import { concatBytes } from '#card/bytes.ts';
import type { SamLine } from '../line.ts';
import { parseObjects } from '../messages.ts';

const DEVICE_LABEL = new TextEncoder().encode('SEKISHO-DEVICE-1');

/** One length only: a longer message could be made to look like a tick stamp to a hasty reader. */
const DEVICE_PROOF_BYTES = 32;

/** What the device key signs for `data` (32 bytes). */
export function deviceProofMessage(data: Uint8Array): Uint8Array {
  return concatBytes(DEVICE_LABEL, data);
}

/** DER ECDSA P-256/SHA-256 over `deviceProofMessage(data)`. */
export async function signDeviceProof(line: SamLine, data: Uint8Array): Promise<Uint8Array> {
  if (data.length !== DEVICE_PROOF_BYTES) throw new RangeError('device proof data');
  const command = { cla: 0x00, ins: 0x88, p1: 0x00, p2: 0x01, data, expectedBytes: 256 };
  return parseObjects(await line.request(command), ['signature']).signature;
}
