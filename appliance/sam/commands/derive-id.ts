/** DERIVE ID: the keyed institution card ID. @see docs/sam-profile.md 4.8, docs/card-id.md algorithm K */
import type { SamLine } from '../line.ts';
import { malformed } from '../messages.ts';

const DERIVED_BYTES = 32;

/** HMAC-SHA-256 over `data` (1 to 64 bytes) under the institution's key. Unlocked only. */
export async function deriveId(line: SamLine, data: Uint8Array): Promise<Uint8Array> {
  const command = { cla: 0x80, ins: 0x12, p1: 0x00, p2: 0x00, data, expectedBytes: 256 };
  const derived = await line.request(command);
  if (derived.length !== DERIVED_BYTES) {
    throw malformed('derived ID');
  }
  return derived;
}
