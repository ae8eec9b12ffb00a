/**
 * Command and response APDUs, short and extended, all four cases.
 * @see ISO 7816-4 §5.2, ISO 7816-3 §12.1.3 (cases 1, 2S, 3S, 4S, 2E, 3E, 4E)
 */
import { SekishoError } from '#contract/errors.ts';

export interface CommandApdu {
  readonly cla: number;
  readonly ins: number;
  readonly p1: number;
  readonly p2: number;
  /** 1 to 65,535 bytes; absent = no command data. */
  readonly data?: Uint8Array | undefined;
  /** Ne: the most response bytes that are wanted, 1 to 65,536; absent = no Le field. */
  readonly expectedBytes?: number | undefined;
  /** Extended length fields even where short ones would do (a few cards insist on them). */
  readonly extended?: boolean | undefined;
}

export interface ResponseApdu {
  readonly data: Uint8Array;
  /** SW1 SW2 as one number, for example 0x9000. */
  readonly sw: number;
}

const HEADER_BYTES = 4;
const SHORT_DATA_BYTES = 255;
const SHORT_EXPECTED_BYTES = 256;
const EXTENDED_DATA_BYTES = 65_535;
const EXTENDED_EXPECTED_BYTES = 65_536;

/** True when the command needs, or asks for, extended length fields. */
export function isExtended(command: CommandApdu): boolean {
  const lengthBytes = command.data?.length ?? 0;
  const expectedBytes = command.expectedBytes ?? 0;
  if (lengthBytes > SHORT_DATA_BYTES || expectedBytes > SHORT_EXPECTED_BYTES) return true;
  return command.extended === true && (lengthBytes > 0 || expectedBytes > 0);
}

/** How long the encoded command is. */
export function encodedCommandBytes(command: CommandApdu): number {
  const extended = isExtended(command);
  const lc = command.data ? (extended ? 3 : 1) : 0;
  // An extended Le is three bytes only when no Lc has announced the extended form. @see ISO 7816-3 §12.1.3
  const le = command.expectedBytes === undefined ? 0 : extended ? (command.data ? 2 : 3) : 1;
  return HEADER_BYTES + lc + (command.data?.length ?? 0) + le;
}

export function encodeCommand(command: CommandApdu): Uint8Array {
  requireEncodable(command);
  const { data, expectedBytes } = command;
  const extended = isExtended(command);
  const bytes = new Uint8Array(encodedCommandBytes(command));
  bytes.set([command.cla, command.ins, command.p1, command.p2]);
  if (data) {
    const lc = extended ? [0, data.length >> 8, data.length & 0xff] : [data.length];
    bytes.set(lc, HEADER_BYTES);
    bytes.set(data, HEADER_BYTES + lc.length);
  }
  if (expectedBytes !== undefined) {
    // Ne = 256 (65,536) is written as 00 (0000): the field keeps only the low bits.
    const le = extended ? [(expectedBytes >> 8) & 0xff, expectedBytes & 0xff] : [expectedBytes & 0xff];
    bytes.set(le, bytes.length - le.length);
  }
  return bytes;
}

function requireEncodable(command: CommandApdu): void {
  for (const byte of [command.cla, command.ins, command.p1, command.p2]) {
    if (!Number.isInteger(byte) || byte < 0 || byte > 0xff) throw new RangeError('APDU header byte');
  }
  const { data, expectedBytes } = command;
  if (data && (data.length < 1 || data.length > EXTENDED_DATA_BYTES)) throw new RangeError('Nc');
  if (expectedBytes === undefined) return;
  if (!Number.isInteger(expectedBytes) || expectedBytes < 1 || expectedBytes > EXTENDED_EXPECTED_BYTES) {
    throw new RangeError('Ne');
  }
}

export function parseCommand(bytes: Uint8Array): CommandApdu {
  const [cla, ins, p1, p2] = bytes;
  if (cla === undefined || ins === undefined || p1 === undefined || p2 === undefined) {
    throw malformed('command shorter than its header');
  }
  const body = bytes.subarray(HEADER_BYTES);
  const header = { cla, ins, p1, p2 };
  const [b0, b1, b2] = body;
  if (b0 === undefined) return header;
  if (body.length === 1) return { ...header, expectedBytes: b0 || SHORT_EXPECTED_BYTES };
  if (b0 !== 0) return { ...header, ...parseShortData(body, b0) };
  if (b1 === undefined || b2 === undefined) throw malformed('command length fields');
  const length = (b1 << 8) | b2;
  if (body.length === 3)
    return { ...header, expectedBytes: length || EXTENDED_EXPECTED_BYTES, extended: true };
  return { ...header, ...parseExtendedData(body, length), extended: true };
}

function parseShortData(body: Uint8Array, length: number): Pick<CommandApdu, 'data' | 'expectedBytes'> {
  const data = body.slice(1, 1 + length);
  const rest = body.subarray(1 + length);
  const [le] = rest;
  if (data.length !== length || rest.length > 1) throw malformed('Lc does not match the data');
  return le === undefined ? { data } : { data, expectedBytes: le || SHORT_EXPECTED_BYTES };
}

function parseExtendedData(body: Uint8Array, length: number): Pick<CommandApdu, 'data' | 'expectedBytes'> {
  const data = body.slice(3, 3 + length);
  const rest = body.subarray(3 + length);
  if (length === 0 || data.length !== length) throw malformed('extended Lc does not match the data');
  const [high, low] = rest;
  if (high === undefined) return { data };
  if (low === undefined || rest.length > 2) throw malformed('extended Le');
  return { data, expectedBytes: (high << 8) | low || EXTENDED_EXPECTED_BYTES };
}

export function encodeResponse(response: ResponseApdu): Uint8Array {
  const bytes = new Uint8Array(response.data.length + 2);
  bytes.set(response.data);
  bytes.set([response.sw >> 8, response.sw & 0xff], response.data.length);
  return bytes;
}

export function parseResponse(bytes: Uint8Array): ResponseApdu {
  const sw1 = bytes.at(-2);
  const sw2 = bytes.at(-1);
  if (sw1 === undefined || sw2 === undefined) throw malformed('response shorter than its status');
  if (bytes.length > EXTENDED_EXPECTED_BYTES + 2) throw malformed('response longer than any Ne');
  // Only 6X and 9X are status words; 60 is the T=0 NULL byte. @see ISO 7816-3 §10.3.3
  if ((sw1 & 0xf0) !== 0x90 && ((sw1 & 0xf0) !== 0x60 || sw1 === 0x60)) throw malformed('not a status word');
  return { data: bytes.slice(0, -2), sw: (sw1 << 8) | sw2 };
}

function malformed(reason: string): SekishoError {
  return new SekishoError('card.protocol', { context: { layer: 'apdu', reason } });
}
