/**
 * The chip's commands that this driver uses: code, data, answer.
 *
 * @see UM0701-02 §7
 */

import { Pn532Failure } from './failure.ts';
import { HOST_TO_CHIP } from './frame.ts';

export interface ChipCommand {
  readonly name: string;
  /** TFI, command code, data. */
  readonly payload: Uint8Array;
  /** May be sent again when nobody knows whether the chip has heard it. A block to a card may not. */
  readonly isRepeatable: boolean;
}

function define(name: string, isRepeatable: boolean, ...bytes: number[]): ChipCommand {
  return { name, payload: Uint8Array.of(HOST_TO_CHIP, ...bytes), isRepeatable };
}

/** What the chip can be asked to call. */
export type CardType = 'A' | 'B';

export const GET_FIRMWARE_VERSION: ChipCommand = define('GetFirmwareVersion', true, 0x02);

/** Normal mode: no security element on the module. Also what wakes the chip for good after power-up. */
export const SAM_CONFIGURATION: ChipCommand = define('SAMConfiguration', true, 0x14, 0x01);

/** No NAD, no CID in the firmware's own ISO-DEP, no RATS by itself: the block layer is ours. */
export const SET_PARAMETERS: ChipCommand = define('SetParameters', true, 0x12, 0x00);

/** ATR, PSL and passive activation: once more at most, so that a poll never blocks. */
export const LIMIT_RETRIES: ChipCommand = define('RFConfiguration', true, 0x32, 0x05, 0x00, 0x01, 0x01);

/** Rates in the order of their code. @see UM0701-02 §7.2.9 */
export const BAUD_RATES: readonly number[] = [
  9_600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600, 1_288_000,
];
/** After power-up and after `close`. */
export const DEFAULT_BAUD_RATE = 115_200;

export function setSerialBaudRate(baudRate: number): ChipCommand {
  return define('SetSerialBaudRate', true, 0x10, BAUD_RATES.indexOf(baudRate));
}

export function switchField(isOn: boolean): ChipCommand {
  return define('RFConfiguration', true, 0x32, 0x01, isOn ? 0x01 : 0x00);
}

/** How long the chip waits for a card in InCommunicateThru: 0.1 ms * 2^(code - 1). @see UM0701-02 §7.3.1 */
export type RfTimeoutCode = number;
/** 3.28 s: the only one above the three seconds that a card may take for RSA. */
export const LONGEST_RF_TIMEOUT: RfTimeoutCode = 0x10;

export function rfTimeoutMs(code: RfTimeoutCode): number {
  return 0.1 * 2 ** (code - 1);
}

/** The shortest timeout that covers `ms`, or the longest there is. */
export function rfTimeoutFor(ms: number): RfTimeoutCode {
  let code = 1;
  while (code < LONGEST_RF_TIMEOUT && rfTimeoutMs(code) < ms) code++;
  return code;
}

export function setRfTimeout(code: RfTimeoutCode): ChipCommand {
  const defaultAtrResponse = 0x0b;
  return define('RFConfiguration', true, 0x32, 0x02, 0x00, defaultAtrResponse, code);
}

/**
 * AFI 00 calls every family. Asking for two notices a second card, but puts a first one of type A to sleep while it
 * looks for the second.
 */
export function listPassiveTargets(type: CardType, atMost: 1 | 2): ChipCommand {
  return type === 'A'
    ? define('InListPassiveTarget', true, 0x4a, atMost, 0x00)
    : define('InListPassiveTarget', true, 0x4a, atMost, 0x03, 0x00);
}

/** One raw frame to the card and its answer; the chip adds and checks the CRC. */
export function communicateThru(block: Uint8Array): ChipCommand {
  return define('InCommunicateThru', false, 0x42, ...block);
}

/** TFI and command code before the block must fit a normal frame. */
export const LONGEST_BLOCK_IN_NORMAL_FRAME_BYTES = 253;

export interface Firmware {
  readonly ic: number;
  readonly version: string;
}

const IC_PN532 = 0x32;

export function parseFirmware(answer: Uint8Array): Firmware {
  const [ic, major, minor] = answer;
  if (answer.length !== 4 || ic !== IC_PN532 || major === undefined || minor === undefined) {
    throw new Pn532Failure('not-a-pn532', ic?.toString(16));
  }
  return { ic, version: `${major}.${minor}` };
}
