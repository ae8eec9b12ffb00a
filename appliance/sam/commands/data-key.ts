/** WRAP and UNWRAP of a storage key under the SAM's key-encryption key. @see docs/sam-profile.md 4.9, RFC 3394 */
import type { SamLine } from '../line.ts';
import { malformed } from '../messages.ts';

const KEY_BYTES = 32;
const WRAPPED_BYTES = 40;

/** 32 bytes in, 40 out. Unlocked only. */
export function wrapDataKey(line: SamLine, key: Uint8Array): Promise<Uint8Array> {
  return convert(line, 0x01, key, WRAPPED_BYTES);
}

/** 40 bytes in, 32 out; `sam.failed` when another SAM wrapped it. Unlocked only. */
export function unwrapDataKey(line: SamLine, wrapped: Uint8Array): Promise<Uint8Array> {
  return convert(line, 0x02, wrapped, KEY_BYTES);
}

async function convert(
  line: SamLine,
  p1: number,
  data: Uint8Array,
  answerBytes: number,
): Promise<Uint8Array> {
  const command = { cla: 0x80, ins: 0x14, p1, p2: 0x00, data, expectedBytes: 256 };
  const answer = await line.request(command, { secret: true });
  if (answer.length !== answerBytes) {
    throw malformed('data key');
  }
  return answer;
}
