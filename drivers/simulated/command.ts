/** Command APDUs as a card reads them, and the status words it answers. @see ISO 7816-4 §5.2 and §5.6 */
import { concat, uint } from './bytes.ts';

export interface Command {
  readonly cla: number;
  readonly ins: number;
  readonly p1: number;
  readonly p2: number;
  readonly data: Uint8Array;
  /** Most bytes that the terminal takes; undefined when it asked for none. */
  readonly le: number | undefined;
  readonly isExtended: boolean;
}

/** Ends the processing of a command with a status word. */
export class CardStatus extends Error {
  override readonly name = 'CardStatus';
  readonly sw: number;

  constructor(sw: number) {
    super(`SW ${sw.toString(16)}`);
    this.sw = sw;
  }
}

export const SW = {
  done: 0x9000,
  wrongLength: 0x6700,
  channelNotSupported: 0x6881,
  secureMessagingNotSupported: 0x6882,
  structureIncompatible: 0x6981,
  securityStatus: 0x6982,
  authenticationBlocked: 0x6983,
  referenceBlocked: 0x6984,
  conditions: 0x6985,
  noCurrentFile: 0x6986,
  secureMessagingObjectsMissing: 0x6987,
  secureMessagingObjects: 0x6988,
  secureMessagingNoSession: 0x69fc,
  wrongData: 0x6a80,
  fileNotFound: 0x6a82,
  wrongP1P2: 0x6a86,
  referenceNotFound: 0x6a88,
  outsideFile: 0x6b00,
  insNotSupported: 0x6d00,
  claNotSupported: 0x6e00,
  noPreciseDiagnosis: 0x6f00,
  authenticationFailed: 0x6300,
} as const;

export function refuse(sw: number): never {
  throw new CardStatus(sw);
}

/** Response APDU: data and status word. */
export function answer(data: Uint8Array = new Uint8Array(), sw: number = SW.done): Uint8Array {
  return concat(data, uint(sw, 2));
}

/** Lc, data and Le behind the header. Throws the status word 6700 when they do not fit together. */
function parseBody(body: Uint8Array): Pick<Command, 'data' | 'le' | 'isExtended'> {
  const none = new Uint8Array();
  const [first, high = 0, low = 0] = body;
  if (first === undefined) return { data: none, le: undefined, isExtended: false };
  if (body.length === 1) return { data: none, le: first === 0 ? 256 : first, isExtended: false };
  if (first !== 0) {
    const rest = body.slice(1 + first);
    if (body.length < 1 + first || rest.length > 1) refuse(SW.wrongLength);
    const le = rest.length === 0 ? undefined : rest[0] || 256;
    return { data: body.slice(1, 1 + first), le, isExtended: false };
  }
  const length = high * 256 + low;
  if (body.length === 3) return { data: none, le: length || 65_536, isExtended: true };
  const rest = body.slice(3 + length);
  if (length === 0 || body.length < 3 + length || (rest.length !== 0 && rest.length !== 2)) {
    refuse(SW.wrongLength);
  }
  const le = rest.length === 0 ? undefined : (rest[0] ?? 0) * 256 + (rest[1] ?? 0) || 65_536;
  return { data: body.slice(3, 3 + length), le, isExtended: true };
}

/** Throws the status word 6700 for bytes that are no command APDU. */
export function parseCommand(bytes: Uint8Array): Command {
  const [cla, ins, p1, p2] = bytes;
  if (cla === undefined || ins === undefined || p1 === undefined || p2 === undefined) {
    return refuse(SW.wrongLength);
  }
  return { cla, ins, p1, p2, ...parseBody(bytes.subarray(4)) };
}
