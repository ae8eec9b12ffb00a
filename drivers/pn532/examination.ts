/**
 * What a technician wants to know of a chip, one thing after the other: whether it wakes up, what it is, at which rates
 * it works, whether its field goes on and off, and whether it waits for a card that thinks.
 */
import type { SekishoError } from '#contract/errors.ts';
import type { Clock } from '#ports/clock.ts';
import { silentLogger } from '#ports/logger.ts';
import { bringUp, shutDown, tryRate } from './bring-up.ts';
import type { Chip } from './chip.ts';
import {
  BAUD_RATES,
  communicateThru,
  DEFAULT_BAUD_RATE,
  GET_FIRMWARE_VERSION,
  LIMIT_RETRIES,
  LONGEST_RF_TIMEOUT,
  listPassiveTargets,
  parseFirmware,
  rfTimeoutMs,
  SAM_CONFIGURATION,
  setRfTimeout,
  switchField,
} from './commands.ts';
import { toReaderError } from './failure.ts';
import type { OpenLine } from './serial-line.ts';

export type ChipCheck =
  | { readonly name: 'wake-up' | 'firmware' | 'field' | 'long-wait' }
  | { readonly name: 'baud'; readonly baudRate: number };

export type ChipFinding = ChipCheck & {
  readonly passed: boolean;
  /** Version, or milliseconds. */
  readonly detail?: string;
  readonly error?: SekishoError;
};

export interface ExaminationOptions {
  readonly openLine: OpenLine;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** A card may take this long. */
const NEEDED_WAIT_MS = 3_000;
const CHIP_MARGIN_MS = 700;

/** Nothing may lie on the antenna. Ends early with the first check without which the others mean nothing. */
export async function* examineChip(options: ExaminationOptions): AsyncGenerator<ChipFinding> {
  const { openLine, clock, signal } = options;
  let chip: Chip;
  try {
    chip = await bringUp({ openLine, baudRate: DEFAULT_BAUD_RATE, clock, logger: silentLogger, signal });
  } catch (thrown) {
    yield { name: 'wake-up', passed: false, error: toReaderError(thrown) };
    return;
  }
  try {
    yield { name: 'wake-up', passed: true };
    yield await check({ name: 'firmware' }, async () => {
      const { version } = parseFirmware(await chip.command(GET_FIRMWARE_VERSION, { signal }));
      return { passed: true, detail: version };
    });
    for (const baudRate of BAUD_RATES) {
      const passes = async (): Promise<Outcome> => ({
        passed: await tryRate(chip, baudRate, clock, signal),
      });
      yield await check({ name: 'baud', baudRate }, passes);
    }
    await tryRate(chip, DEFAULT_BAUD_RATE, clock, signal).catch(() => false);
    yield await check({ name: 'field' }, () => switchAndCall(chip, signal));
    yield await check({ name: 'long-wait' }, () => waitForNobody(chip, clock, signal));
  } finally {
    await shutDown(chip, clock);
  }
}

type Outcome = Pick<ChipFinding, 'passed' | 'detail'>;

async function check(what: ChipCheck, look: () => Promise<Outcome>): Promise<ChipFinding> {
  try {
    return { ...what, ...(await look()) };
  } catch (thrown) {
    return { ...what, passed: false, error: toReaderError(thrown) };
  }
}

/** Where the supply is too weak, the chip falls over here and forgets that it was configured. */
async function switchAndCall(chip: Chip, signal: AbortSignal): Promise<Outcome> {
  await chip.command(SAM_CONFIGURATION, { signal });
  await chip.command(LIMIT_RETRIES, { signal });
  for (const isOn of [true, false, true]) await chip.command(switchField(isOn), { signal });
  await chip.command(listPassiveTargets('B', 1), { signal, timeoutMs: 1_000 });
  await chip.command(switchField(false), { signal });
  return { passed: true };
}

/** A frame into the empty field: the chip must wait its 3.28 s for an answer, and say so then. @see UM0701-02 §7.3.1 */
async function waitForNobody(chip: Chip, clock: Clock, signal: AbortSignal): Promise<Outcome> {
  const timeoutMs = rfTimeoutMs(LONGEST_RF_TIMEOUT) + CHIP_MARGIN_MS;
  await chip.command(switchField(true), { signal });
  // A call of type B leaves the chip set to it.
  await chip.command(listPassiveTargets('B', 1), { signal, timeoutMs: 1_000 });
  await chip.command(setRfTimeout(LONGEST_RF_TIMEOUT), { signal });
  const startedMs = clock.monotonicMs();
  const [status] = await chip.command(communicateThru(Uint8Array.of(0xb2)), { signal, timeoutMs });
  const waitedMs = Math.round(clock.monotonicMs() - startedMs);
  await chip.command(switchField(false), { signal });
  const detail = `${waitedMs} ms`;
  return { passed: status === TIMEOUT_STATUS && waitedMs >= NEEDED_WAIT_MS, detail };
}

/** @see UM0701-02 §7.1 */
const TIMEOUT_STATUS = 0x01;
