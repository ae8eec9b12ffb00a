/**
 * GENERATE DATA KEY and UNWRAP DATA KEY. A data key never leaves the SAM in clear: wrapped it lies on the disk, sealed it
 * goes to whoever holds the private key of the recipient. @see docs/sam-profile.md 4.9, RFC 3394
 */
import type { SamLine } from '../line.ts';
import { malformed } from '../messages.ts';

const WRAPPED_BYTES = 40;
export const SAM_POINT_BYTES = 65;
const SEALED_BYTES = 40;

/** As the SAM hands a data key over. @see data-key-recipient.ts */
export interface SealedDataKey {
  /** The SAM's half of the agreement, `04 ‖ X ‖ Y`; new each time. */
  readonly samPoint: Uint8Array;
  /** 40 bytes. */
  readonly sealed: Uint8Array;
}

/** Makes a key inside the SAM and answers it wrapped: 40 bytes. Unlocked only. */
export async function generateDataKey(line: SamLine): Promise<Uint8Array> {
  return convert(line, 0x03, undefined, WRAPPED_BYTES);
}

/** `recipientPoint`: `04 ‖ X ‖ Y`. Rejects `sam.failed` when another SAM wrapped the key. Unlocked only. */
export async function unwrapDataKey(
  line: SamLine,
  recipientPoint: Uint8Array,
  wrapped: Uint8Array,
): Promise<SealedDataKey> {
  const data = Buffer.concat([recipientPoint, wrapped]);
  const answer = await convert(line, 0x04, data, SAM_POINT_BYTES + SEALED_BYTES);
  return { samPoint: answer.subarray(0, SAM_POINT_BYTES), sealed: answer.subarray(SAM_POINT_BYTES) };
}

async function convert(
  line: SamLine,
  p1: number,
  data: Uint8Array | undefined,
  answerBytes: number,
): Promise<Uint8Array> {
  const answer = await line.request({ cla: 0x80, ins: 0x14, p1, p2: 0x00, data, expectedBytes: 256 });
  if (answer.length !== answerBytes) {
    throw malformed('data key');
  }
  return answer;
}
