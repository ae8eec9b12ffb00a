/** PSO: COMPUTE DIGITAL SIGNATURE with the organisation key, counted. @see docs/sam-profile.md 4.6, ISO 7816-8 §5.4 */
import { createHash } from 'node:crypto';
import { equalBytes } from '#card/bytes.ts';
import { SUITES, type Suite } from '#card/suite.ts';
import { encodeTlv } from '#card/tlv.ts';
import type { SamLine } from '../line.ts';
import {
  bigOf,
  encodeObject,
  malformed,
  numberOf,
  parseObjects,
  parseTemplate,
  TEMPLATES,
} from '../messages.ts';

const TAP_LABEL = 'SEKISHO-TAP-1';

export interface SignForCardRequest {
  readonly suite: Suite;
  /** From the patient's card, 8 to 32 bytes. */
  readonly cardChallenge: Uint8Array;
  readonly tapId: Uint8Array;
  readonly consentDigest: Uint8Array;
}

export interface OrganisationSignature {
  readonly useCounter: number;
  readonly ticks: bigint;
  /** What the card signs next, so that this use of the organisation key and the tap are one. */
  readonly tapChallenge: Uint8Array;
  /** Over the card challenge: PKCS#1 v1.5 SHA-256, or raw ECDSA P-384/SHA-384. */
  readonly signature: Uint8Array;
}

/** Which SAM, in which power-up, is known to be on the line. */
export interface SamIdentity {
  readonly samId: Uint8Array;
  readonly tickNonce: Uint8Array;
}

export async function computeOrganisationSignature(
  line: SamLine,
  sam: SamIdentity,
  request: SignForCardRequest,
): Promise<OrganisationSignature> {
  const suite = SUITES[request.suite];
  const data = encodeTlv(
    TEMPLATES.tapRequest,
    encodeObject('suite', Uint8Array.of(suite.number)),
    encodeObject('cardChallenge', request.cardChallenge),
    encodeObject('tapId', request.tapId),
    encodeObject('digest', request.consentDigest),
  );
  // A 256-byte signature and what goes with it need an extended answer.
  const expectedBytes = suite.signatureBytes < 128 ? 256 : 65_536;
  const answer = await line.request({ cla: 0x00, ins: 0x2a, p1: 0x9e, p2: 0x9a, data, expectedBytes });
  return checkedAnswer(answer, sam, request);
}

/** A SAM that answers for another tap, or was reset since it was opened, is not believed. */
function checkedAnswer(
  answer: Uint8Array,
  sam: SamIdentity,
  request: SignForCardRequest,
): OrganisationSignature {
  const content = parseTemplate(answer, TEMPLATES.tapAnswer);
  const objects = parseObjects(content, ['useCounter', 'ticks', 'tapChallenge', 'signature']);
  const expected = tapChallengeOf(sam, request, objects.useCounter, objects.ticks);
  if (!equalBytes(expected, objects.tapChallenge)) {
    throw malformed('tap challenge');
  }
  if (objects.signature.length !== SUITES[request.suite].signatureBytes) {
    throw malformed('organisation signature');
  }
  return {
    useCounter: numberOf(objects.useCounter),
    ticks: bigOf(objects.ticks),
    tapChallenge: objects.tapChallenge,
    signature: objects.signature,
  };
}

function tapChallengeOf(
  sam: SamIdentity,
  request: SignForCardRequest,
  useCounter: Uint8Array,
  ticks: Uint8Array,
): Uint8Array {
  return createHash('sha256')
    .update(TAP_LABEL)
    .update(sam.samId)
    .update(useCounter)
    .update(request.tapId)
    .update(request.consentDigest)
    .update(request.cardChallenge)
    .update(ticks)
    .update(sam.tickNonce)
    .digest();
}
