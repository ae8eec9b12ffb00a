/** GET CHALLENGE. @see docs/sam-profile.md 4.3, ISO 7816-4 §11.5.3 */
import type { SamLine } from '../line.ts';
import { DATA_OBJECTS, malformed } from '../messages.ts';

const CHALLENGE_BYTES = DATA_OBJECTS.challenge.lengthBytes;

/** The newest challenge is the only valid one, for one use. */
export async function getChallenge(line: SamLine): Promise<Uint8Array> {
  const challenge = await line.request({
    cla: 0x00,
    ins: 0x84,
    p1: 0x00,
    p2: 0x00,
    expectedBytes: CHALLENGE_BYTES,
  });
  if (challenge.length !== CHALLENGE_BYTES) {
    throw malformed('challenge');
  }
  return challenge;
}
