/**
 * What a status word means, and which error of ours it becomes.
 * @see ISO 7816-4 §5.6; 66F1 and 69FC: docs/protocol-facts.md 1.8
 */
import { type ErrorCode, SekishoError } from '#contract/errors.ts';

/** The ones that commands decide by; all others only become errors. */
export const SW = {
  ok: 0x9000,
  endOfFile: 0x6282,
  authenticationFailed: 0x6300,
  firstCommandFault: 0x6f00,
  wrongLength: 0x6700,
  channelUnsupported: 0x6881,
  chainingUnsupported: 0x6884,
  blocked: 0x6983,
  referenceBlocked: 0x6984,
  securityStatus: 0x6982,
  conditionsOfUse: 0x6985,
  smObjectsWrong: 0x6988,
  dataWrong: 0x6a80,
  notFound: 0x6a82,
  parametersWrong: 0x6a86,
  referenceNotFound: 0x6a88,
  offsetOutside: 0x6b00,
  instructionUnsupported: 0x6d00,
  classUnsupported: 0x6e00,
} as const;

interface Meaning {
  readonly name: string;
  readonly error?: ErrorCode;
}

const MEANINGS: ReadonlyMap<number, Meaning> = new Map<number, Meaning>([
  [0x9000, { name: 'done' }],
  [0x6281, { name: 'part of returned data may be corrupted' }],
  [0x6282, { name: 'end of file reached' }],
  [0x6283, { name: 'selected file deactivated' }],
  [0x6300, { name: 'authentication failed' }],
  [0x6400, { name: 'execution error' }],
  [0x6581, { name: 'memory failure' }],
  [0x66f1, { name: 'no secure messaging in this application' }],
  [0x6700, { name: 'wrong length' }],
  [0x6881, { name: 'logical channel not supported' }],
  [0x6882, { name: 'secure messaging not supported' }],
  [0x6884, { name: 'command chaining not supported' }],
  [0x6981, { name: 'command incompatible with file structure' }],
  [0x6982, { name: 'security status not satisfied', error: 'card.security-status' }],
  [0x6983, { name: 'authentication method blocked' }],
  [0x6984, { name: 'reference data not usable' }],
  [0x6985, { name: 'conditions of use not satisfied' }],
  [0x6986, { name: 'no current EF' }],
  [0x6987, { name: 'expected secure messaging objects missing' }],
  [0x6988, { name: 'incorrect secure messaging objects' }],
  [0x69fc, { name: 'secure messaging session lost' }],
  [0x6a80, { name: 'incorrect parameters in the data field' }],
  [0x6a81, { name: 'function not supported' }],
  [0x6a82, { name: 'file or application not found', error: 'card.file-not-found' }],
  [0x6a86, { name: 'incorrect parameters P1-P2' }],
  [0x6a88, { name: 'referenced data not found', error: 'card.file-not-found' }],
  [0x6b00, { name: 'offset outside the file' }],
  [0x6d00, { name: 'instruction not supported' }],
  [0x6e00, { name: 'class not supported' }],
  [0x6f00, { name: 'no precise diagnosis' }],
]);

/**
 * A command's own reading of status words. With `otherwise`, the general table is not asked:
 * the SAM uses that, so that none of its failures looks like a patient's card.
 */
export interface StatusTable {
  readonly [sw: number]: ErrorCode;
  readonly otherwise?: ErrorCode;
}

export function describeStatus(sw: number): string {
  const retries = sw & 0x0f;
  if ((sw & 0xfff0) === 0x63c0) return `${retries} tries left`;
  return MEANINGS.get(sw)?.name ?? 'unknown status';
}

export function statusToError(sw: number, overrides: StatusTable = {}): SekishoError {
  const general = MEANINGS.get(sw)?.error ?? 'card.unexpected-status';
  const code = overrides[sw] ?? overrides.otherwise ?? general;
  return new SekishoError(code, {
    context: { sw: sw.toString(16).toUpperCase(), meaning: describeStatus(sw) },
  });
}

/** Throws the error of any status but 9000. */
export function requireOk(response: { readonly sw: number }, overrides?: StatusTable): void {
  if (response.sw !== SW.ok) throw statusToError(response.sw, overrides);
}
