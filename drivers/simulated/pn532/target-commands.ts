/** Commands about cards that the chip finds, lists and talks to itself. @see UM0701-02 §7.3.5 to §7.3.13 */
import { concat, equal } from '../bytes.ts';
import { findTypeA, findTypeB } from './activation.ts';
import type { ChipState } from './chip-state.ts';
import { type ChipCommand, type CommandHandler, type CommandOutcome, respond } from './command.ts';
import { exchangeRaw, FIELD_START_MS } from './radio-commands.ts';
import { STATUS } from './status.ts';
import type { Target } from './target.ts';

const MODULATION = { a: 0x00, felica212: 0x01, felica424: 0x02, b: 0x03, jewel: 0x04 } as const;
const MAX_TARGETS = 2;
const ENDLESS = 0xff;
const MORE_INFORMATION = 0x40;
const POLL_PERIOD_MS = 150;

interface Search {
  readonly modulation: number;
  readonly max: number;
  /** Family of type B, or the UID of one card of type A. */
  readonly initiatorData: Uint8Array;
}

/** One look; cards of other modulations are never there. */
async function look(chip: ChipState, { modulation, max, initiatorData }: Search, atMs: number) {
  const { field, registers } = chip;
  if (modulation === MODULATION.b) {
    registers.setRadio('B');
    return findTypeB(field, { family: initiatorData[0] ?? 0, max }, atMs);
  }
  if (modulation === MODULATION.a) {
    registers.setRadio('A');
    const uid = initiatorData.length === 4 ? initiatorData : undefined;
    return findTypeA(field, { asksForAts: chip.asksForAts, max, uid }, atMs);
  }
  return { targets: [], endMs: atMs };
}

/** Switches the field on; cards need a moment. */
function start(chip: ChipState, atMs: number): number {
  if (chip.field.isOn) return atMs;
  chip.field.turnOn();
  return atMs + (chip.field.isTimed ? FIELD_START_MS : 0);
}

/** Looks as often as allowed; without end it waits for a card to come. */
async function search(
  chip: ChipState,
  wish: Search,
  { atMs, signal }: ChipCommand,
): Promise<{ readonly targets: Target[]; readonly endMs: number }> {
  chip.forgetTargets();
  let endMs = start(chip, atMs);
  const { passiveRetries } = chip.settings;
  for (let tries = 0; ; tries += 1) {
    signal.throwIfAborted();
    const found = await look(chip, wish, endMs);
    endMs = found.endMs;
    if (found.targets.length > 0 || (passiveRetries !== ENDLESS && tries >= passiveRetries)) return found;
    if (passiveRetries === ENDLESS) {
      await chip.field.changed(signal);
      endMs = Math.max(endMs, chip.nowMs());
    }
  }
}

const inListPassiveTarget: CommandHandler = async (chip, command) => {
  const [max = 0, modulation = 0xff, ...initiatorData] = command.data;
  if (max < 1 || max > MAX_TARGETS || modulation > MODULATION.jewel) return 'syntax-error';
  if (modulation === MODULATION.b && initiatorData.length === 0) return 'syntax-error';
  const wish = { modulation, max, initiatorData: Uint8Array.from(initiatorData) };
  const { targets, endMs } = await search(chip, wish, command);
  chip.targets = targets;
  const reports = targets.map(({ options }) => options.report);
  const data = concat(Uint8Array.of(targets.length), ...reports);
  return { data, endMs, found: targets.length > 0 };
};

/** Types of InAutoPoll that cards here can be. */
const POLL_TYPES: Readonly<Record<number, number>> = {
  0: MODULATION.a,
  16: MODULATION.a,
  32: MODULATION.a,
  3: MODULATION.b,
  35: MODULATION.b,
};

const inAutoPoll: CommandHandler = async (chip, command) => {
  const [rounds = 0, period = 0, ...types] = command.data;
  if (rounds === 0 || period < 1 || period > 0x0f || types.length === 0) return 'syntax-error';
  chip.forgetTargets();
  let endMs = start(chip, command.atMs);
  for (let round = 1; ; round += 1) {
    for (const type of types) {
      command.signal.throwIfAborted();
      const modulation = POLL_TYPES[type];
      if (modulation === undefined) continue;
      const wish = { modulation, max: MAX_TARGETS, initiatorData: Uint8Array.of() };
      const found = await look(chip, wish, endMs);
      endMs = found.endMs;
      if (found.targets.length === 0) continue;
      chip.targets = found.targets;
      const reports = found.targets.flatMap(({ options: { report } }) => [type, report.length, ...report]);
      return { data: Uint8Array.of(found.targets.length, ...reports), endMs, found: true };
    }
    if (rounds !== ENDLESS && round >= rounds) return { data: Uint8Array.of(0), endMs };
    if (rounds === ENDLESS) await chip.field.changed(command.signal);
    endMs = Math.max(endMs + (chip.field.isTimed ? period * POLL_PERIOD_MS : 0), chip.nowMs());
  }
};

function targetOf(chip: ChipState, number: number | undefined): Target | undefined {
  return chip.targets.find(({ options }) => options.number === number);
}

const inDataExchange: CommandHandler = async (chip, command) => {
  const [number = 0] = command.data;
  const target = targetOf(chip, number & ~MORE_INFORMATION);
  if (target === undefined || chip.sleeping.has(target)) return fail(chip, command, STATUS.context);
  // Chaining by the host is for ISO 18092 targets. @see UM0701-02 §7.3.8
  if ((number & MORE_INFORMATION) !== 0) return fail(chip, command, STATUS.parameter);
  const data = command.data.slice(1);
  if (!target.options.speaksBlocks) return exchangeRaw(chip, { ...command, data });
  const { status, data: answer, endMs, completed } = await target.exchange(data, command.atMs);
  chip.lastError = status & 0x3f;
  return { data: concat(Uint8Array.of(status), answer), endMs, completed };
};

function fail(chip: ChipState, command: ChipCommand, status: number): CommandOutcome {
  chip.lastError = status;
  return respond(command, status);
}

/** Number 0 means all. */
function chosen(chip: ChipState, { data: [number] }: ChipCommand): readonly Target[] {
  if (number === 0) return chip.targets;
  const target = targetOf(chip, number);
  return target === undefined ? [] : [target];
}

async function putToSleep(chip: ChipState, targets: readonly Target[], atMs: number): Promise<number> {
  let endMs = atMs;
  for (const target of targets) {
    if (chip.sleeping.has(target)) continue;
    endMs = await target.deselect(endMs);
    chip.sleeping.add(target);
  }
  return endMs;
}

const inDeselect: CommandHandler = async (chip, command) => {
  const targets = chosen(chip, command);
  if (targets.length === 0 && command.data[0] !== 0) return fail(chip, command, STATUS.context);
  return { data: Uint8Array.of(STATUS.ok), endMs: await putToSleep(chip, targets, command.atMs) };
};

const inRelease: CommandHandler = async (chip, command) => {
  const targets = chosen(chip, command);
  if (targets.length === 0 && command.data[0] !== 0) return fail(chip, command, STATUS.context);
  const endMs = await putToSleep(chip, targets, command.atMs);
  for (const target of targets) chip.sleeping.delete(target);
  chip.targets = chip.targets.filter((target) => !targets.includes(target));
  return { data: Uint8Array.of(STATUS.ok), endMs };
};

/** Wakes a listed card that was put to sleep; the same card, or none. */
const inSelect: CommandHandler = async (chip, command) => {
  const target = targetOf(chip, command.data[0]);
  if (target === undefined) return fail(chip, command, STATUS.context);
  if (!chip.sleeping.has(target)) return respond(command, STATUS.ok);
  const { number, type, report } = target.options;
  const options = { max: 1, wakes: true, firstNumber: number };
  const { targets, endMs } =
    type === 'B'
      ? await findTypeB(chip.field, { ...options, family: 0 }, command.atMs)
      : await findTypeA(
          chip.field,
          { ...options, asksForAts: chip.asksForAts, uid: report.slice(5, 9) },
          command.atMs,
        );
  const [woken] = targets;
  if (woken === undefined || !equal(woken.options.report.slice(0, 9), report.slice(0, 9))) {
    return { data: Uint8Array.of(STATUS.timeout), endMs };
  }
  chip.sleeping.delete(target);
  chip.targets = chip.targets.map((each) => (each === target ? woken : each));
  return { data: Uint8Array.of(STATUS.ok), endMs };
};

/** Commands of ISO 18092: no card here answers ATR_REQ, and none that is listed takes it. */
const noDepTarget: CommandHandler = (chip, command) => fail(chip, command, STATUS.timeout);
const notForThisTarget: CommandHandler = (chip, command) => fail(chip, command, STATUS.notAllowed);

export const TARGET_COMMANDS: Readonly<Record<number, CommandHandler>> = {
  64: inDataExchange,
  68: inDeselect,
  70: noDepTarget,
  74: inListPassiveTarget,
  78: notForThisTarget,
  80: notForThisTarget,
  82: inRelease,
  84: inSelect,
  86: noDepTarget,
  96: inAutoPoll,
};
