/** Commands about the field and single frames. @see UM0701-02 §7.3.1, §7.3.9 */
import { concat } from '../bytes.ts';
import type { ChipState } from './chip-state.ts';
import { type ChipCommand, type CommandHandler, type CommandOutcome, respond } from './command.ts';
import { withCrc, withoutCrc } from './crc.ts';
import type { Heard } from './field.ts';
import { STATUS } from './status.ts';

/** How long a card needs from field on to its first answer. @see ISO 14443-3 §6.2.1, §7.2 */
export const FIELD_START_MS = 5;
/** Response data after the status byte. */
const MAX_DATA_BYTES = 262;
const LONGEST_TIMEOUT_CODE = 0x10;

/** Code n is 100 µs × 2^(n-1); 0 is without end. @see UM0701-02 §7.3.1, item 2 */
function timeoutOfCodeMs(code: number): number {
  return code === 0 ? Number.POSITIVE_INFINITY : 0.1 * 2 ** (code - 1);
}

const ITEM = { field: 0x01, timings: 0x02, communicationRetries: 0x04, retries: 0x05 } as const;
/** Analog settings: length only, the air here has no physics. */
const ANALOG_ITEM_BYTES: Readonly<Record<number, number>> = { 10: 11, 11: 8, 12: 3, 13: 9 };

const rfConfiguration: CommandHandler = (chip, command) => {
  const [item = 0, first = 0, second = 0, third = 0] = command.data;
  const length = command.data.length - 1;
  if (item === ITEM.field && length === 1) {
    if ((first & 1) === 1) chip.field.turnOn();
    else {
      chip.field.turnOff();
      chip.forgetTargets();
    }
  } else if (item === ITEM.timings && length === 3) {
    if (second > LONGEST_TIMEOUT_CODE || third > LONGEST_TIMEOUT_CODE) return 'syntax-error';
    chip.settings.timeoutCode = third;
  } else if (item === ITEM.communicationRetries && length === 1) chip.settings.communicationRetries = first;
  else if (item === ITEM.retries && length === 3) chip.settings.passiveRetries = third;
  else if (ANALOG_ITEM_BYTES[item] !== length) return 'syntax-error';
  return respond(command);
};

/** A frame as the host wrote it, by the settings in the registers. */
export async function exchangeRaw(
  chip: ChipState,
  { data, atMs, signal }: ChipCommand,
): Promise<CommandOutcome> {
  const { registers, settings, field } = chip;
  const type = registers.radio;
  const timeoutMs = timeoutOfCodeMs(settings.timeoutCode);
  let endMs = atMs;
  let status: number = STATUS.timeout;
  for (let tries = 0; tries <= settings.communicationRetries; tries += 1) {
    signal.throwIfAborted();
    if (type === undefined) break;
    const bytes = registers.sendsCrc ? withCrc(type, data) : data;
    const heard = await field.transmit({ type, bytes, lastBits: registers.lastBits }, endMs, timeoutMs);
    endMs = heard.endMs;
    if (endMs === Number.POSITIVE_INFINITY) return untilAborted(signal);
    const judged = judge(chip, heard);
    if (judged.status === STATUS.ok) {
      const completed = heard.kind === 'frame' ? heard.completed : undefined;
      return { data: concat(Uint8Array.of(STATUS.ok), judged.data), endMs, completed };
    }
    status = judged.status;
  }
  return { data: Uint8Array.of(status), endMs };
}

function judge(
  { registers }: ChipState,
  heard: Heard,
): { readonly status: number; readonly data: Uint8Array } {
  const nothing = new Uint8Array();
  if (heard.kind === 'silence') return { status: STATUS.timeout, data: nothing };
  if (heard.kind === 'collision') {
    return { status: registers.radio === 'A' ? STATUS.collision : STATUS.crc, data: nothing };
  }
  const type = registers.radio ?? 'A';
  const data = registers.checksCrc ? withoutCrc(type, heard.bytes) : heard.bytes;
  if (data === undefined) return { status: STATUS.crc, data: nothing };
  return data.length > MAX_DATA_BYTES
    ? { status: STATUS.bufferOverflow, data: nothing }
    : { status: 0, data };
}

export function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

const inCommunicateThru: CommandHandler = async (chip, command) => {
  const outcome = await exchangeRaw(chip, command);
  if (outcome !== 'syntax-error') chip.lastError = outcome.data[0] ?? 0;
  return outcome;
};

/** A carrier that stays until the host sends something else. */
const rfRegulationTest: CommandHandler = (_chip, { signal }) => untilAborted(signal);

export const RADIO_COMMANDS: Readonly<Record<number, CommandHandler>> = {
  50: rfConfiguration,
  66: inCommunicateThru,
  88: rfRegulationTest,
};
