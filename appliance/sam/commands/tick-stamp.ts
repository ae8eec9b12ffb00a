/** TICK STAMP of a digest, also while locked. @see docs/sam-profile.md 4.7 */
import { equalBytes, toHex } from '#card/bytes.ts';
import type { SamLine } from '../line.ts';
import { malformed, parseSigned, TEMPLATES } from '../messages.ts';
import { parseTickStamp, type TickStamp } from '../tick-stamp.ts';
import type { SamIdentity } from './compute-organisation-signature.ts';

export async function requestTickStamp(
  line: SamLine,
  sam: SamIdentity,
  digest: Uint8Array,
): Promise<TickStamp> {
  const command = { cla: 0x80, ins: 0x10, p1: 0x00, p2: 0x00, data: digest, expectedBytes: 256 };
  const { signed, signature } = parseSigned(await line.request(command), TEMPLATES.tickStamp);
  const facts = parseTickStamp(signed);
  const ours =
    facts.samId === toHex(sam.samId) &&
    equalBytes(facts.tickNonce, sam.tickNonce) &&
    equalBytes(facts.digest, digest);
  if (!ours) {
    throw malformed('tick stamp');
  }
  return { stamp: toHex(signed), signature: toHex(signature) };
}
