/** SELECT of the SAM application by its AID. @see docs/sam-profile.md 4.1, ISO 7816-4 §11.1.1 */
import { equalBytes } from '#card/bytes.ts';
import type { RequestOptions, SamLine } from '../line.ts';
import { malformed, numberOf, parseObjects, parseTemplate, TEMPLATES } from '../messages.ts';

const SAM_AID = Uint8Array.of(0xf0, 0x53, 0x45, 0x4b, 0x49, 0x53, 0x48, 0x4f, 0x01);
const PROFILE_VERSION = 2;

export interface SelectAnswer {
  /** Eight zero bytes while the SAM is blank. */
  readonly samId: Uint8Array;
}

/** Ends unlock, challenge and secure channel of whoever used the SAM before. */
export async function selectSam(line: SamLine, options?: RequestOptions): Promise<SelectAnswer> {
  const command = { cla: 0x00, ins: 0xa4, p1: 0x04, p2: 0x00, data: SAM_AID, expectedBytes: 256 };
  return parseSelectAnswer(await line.request(command, options));
}

export function parseSelectAnswer(answer: Uint8Array): SelectAnswer {
  const content = parseTemplate(answer, TEMPLATES.selectAnswer);
  const { applicationId, selectDetails } = parseObjects(content, ['applicationId', 'selectDetails']);
  const { samId, profileVersion } = parseObjects(selectDetails, ['samId', 'profileVersion']);
  if (!equalBytes(applicationId, SAM_AID) || numberOf(profileVersion) !== PROFILE_VERSION) {
    throw malformed('application or profile version');
  }
  return { samId };
}
