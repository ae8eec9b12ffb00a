/** Commands about the chip itself. @see UM0701-02 §7.2 */
import { BAUD_RATES } from './baud.ts';
import type { ChipState } from './chip-state.ts';
import { type ChipCommand, type CommandHandler, type CommandOutcome, respond } from './command.ts';
import { untilAborted } from './radio-commands.ts';
import { STATUS } from './status.ts';

/** IC PN532, firmware 1.6, and what it supports: type A, type B, ISO 18092. */
const FIRMWARE_VERSION = [0x32, 0x01, 0x06, 0x07] as const;
const DIAGNOSE = {
  communicationLine: 0x00,
  rom: 0x01,
  ram: 0x02,
  polling: 0x04,
  echoBack: 0x05,
  presence: 0x06,
  antenna: 0x07,
} as const;
/** FeliCa frames that the polling test sends. */
const POLLING_TEST_FRAMES = 128;

async function diagnose(chip: ChipState, command: ChipCommand): Promise<CommandOutcome> {
  const { data, atMs, signal } = command;
  switch (data[0]) {
    case DIAGNOSE.communicationLine:
      return { data, endMs: atMs };
    case DIAGNOSE.rom:
    case DIAGNOSE.ram:
      return respond(command, STATUS.ok);
    case DIAGNOSE.polling:
      return respond(command, POLLING_TEST_FRAMES);
    case DIAGNOSE.echoBack:
      return untilAborted(signal);
    case DIAGNOSE.presence: {
      const [target] = chip.targets;
      // The manual promises it for type B too; libnfc found that a PN532 does not do it.
      if (target === undefined || target.options.type === 'B') return respond(command, STATUS.context);
      const { status, endMs } = await target.isPresent(atMs);
      return { data: Uint8Array.of(status), endMs };
    }
    case DIAGNOSE.antenna:
      return data.length === 2 ? respond(command, STATUS.ok) : 'syntax-error';
    default:
      return 'syntax-error';
  }
}

/** Error, field, number of targets; each target with its number, rates (106 kbit/s) and modulation; SAM status. */
const getGeneralStatus: CommandHandler = (chip, command) => {
  const targets = chip.targets.flatMap(({ options }) => [options.number, 0x00, 0x00, 0x00]);
  const field = chip.field.isOn ? 1 : 0;
  return respond(command, chip.lastError, field, chip.targets.length, ...targets, 0x00);
};

const readRegister: CommandHandler = (chip, command) => {
  const { data } = command;
  if (data.length === 0 || data.length % 2 !== 0) return 'syntax-error';
  const values: number[] = [];
  for (let at = 0; at < data.length; at += 2) values.push(chip.registers.read(addressAt(data, at)));
  return respond(command, ...values);
};

const writeRegister: CommandHandler = (chip, command) => {
  const { data } = command;
  if (data.length === 0 || data.length % 3 !== 0) return 'syntax-error';
  for (let at = 0; at < data.length; at += 3) chip.registers.write(addressAt(data, at), data[at + 2] ?? 0);
  return respond(command);
};

function addressAt(data: Uint8Array, at: number): number {
  return (data[at] ?? 0) * 256 + (data[at + 1] ?? 0);
}

/** The last byte: which host interface the pins I0 and I1 choose; 0 is HSU. */
const readGpio: CommandHandler = (chip, command) => respond(command, chip.ports.p3, chip.ports.p7, 0x00);

const VALID = 0x80;
const writeGpio: CommandHandler = (chip, command) => {
  const [p3 = 0, p7 = 0] = command.data;
  if (command.data.length !== 2) return 'syntax-error';
  if ((p3 & VALID) !== 0) chip.ports.p3 = p3 & 0x3f;
  if ((p7 & VALID) !== 0) chip.ports.p7 = p7 & 0x06;
  return respond(command);
};

const setSerialBaudRate: CommandHandler = (_chip, command) => {
  const rate = BAUD_RATES[command.data[0] ?? -1];
  return rate === undefined ? 'syntax-error' : { ...respond(command), thenBaud: rate };
};

const setParameters: CommandHandler = (chip, command) => {
  const [flags] = command.data;
  if (flags === undefined) return 'syntax-error';
  chip.parameters = flags;
  return respond(command);
};

/** Normal, virtual card, wired card, dual card. Any of them ends the state after power-up. */
const samConfiguration: CommandHandler = (chip, command) => {
  const [mode = 0] = command.data;
  if (mode < 1 || mode > 4) return 'syntax-error';
  chip.samMode = mode;
  chip.power = 'normal';
  return respond(command);
};

/** The field goes off; contents of registers stay. The parameter names what wakes the chip: here only HSU can. */
const powerDown: CommandHandler = (_chip, command) =>
  command.data.length === 0 ? 'syntax-error' : { ...respond(command, STATUS.ok), thenSleeps: true };

export const SYSTEM_COMMANDS: Readonly<Record<number, CommandHandler>> = {
  0: diagnose,
  2: (_chip, command) => respond(command, ...FIRMWARE_VERSION),
  4: getGeneralStatus,
  6: readRegister,
  8: writeRegister,
  12: readGpio,
  14: writeGpio,
  16: setSerialBaudRate,
  18: setParameters,
  20: samConfiguration,
  22: powerDown,
};
