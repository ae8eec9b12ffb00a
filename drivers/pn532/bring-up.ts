/**
 * From a device path to a chip that is awake, known and at the wanted rate.
 *
 * A chip keeps its rate until it loses power, so after a crash it may listen at any of nine: each is tried.
 *
 * @see UM0701-02 §6.3.2 (HSU), §7.2.9 SetSerialBaudRate
 */
import type { Clock } from '#ports/clock.ts';
import type { Logger } from '#ports/logger.ts';
import { Chip } from './chip.ts';
import {
  BAUD_RATES,
  DEFAULT_BAUD_RATE,
  GET_FIRMWARE_VERSION,
  parseFirmware,
  SAM_CONFIGURATION,
  setSerialBaudRate,
  switchField,
} from './commands.ts';
import { Pn532Failure } from './failure.ts';
import { ACK_FRAME } from './frame.ts';
import type { OpenLine } from './serial-line.ts';

export interface BringUpOptions {
  readonly openLine: OpenLine;
  /** One of `BAUD_RATES`. */
  readonly baudRate: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Told of all bytes from the chip that belonged to no frame. */
  readonly onDiscarded?: (bytes: Uint8Array) => void;
}

/** Wakes a chip in LowVbat mode, and tells a UART that has lost its place where a byte begins. */
const WAKE_UP: Uint8Array = Uint8Array.of(0x55, 0x55, ...new Uint8Array(14));
/** A chip that was just powered up, or a slow adapter, may miss the first round. */
const PROBE_ROUNDS = 2;
const PROBE_ATTEMPTS = 1;
/** USB adapters and ptys call bytes sent that they still hold, and a change of rate throws those away. */
const ADAPTER_MS = 20;

/** Rejects with `reader.*` or a `Pn532Failure`; the line is closed then. The field is off. */
export async function bringUp(options: BringUpOptions): Promise<Chip> {
  const { clock, logger, signal } = options;
  const chip = await Chip.open(options.openLine, {
    baudRate: DEFAULT_BAUD_RATE,
    clock,
    onDiscarded: ({ reason, bytes }) => {
      logger.debug('pn532.discarded', { reason, lengthBytes: bytes.length });
      options.onDiscarded?.(bytes);
    },
  });
  try {
    await findRate(chip, options.baudRate, signal);
    const firmware = parseFirmware(await chip.command(GET_FIRMWARE_VERSION, { signal }));
    await changeRate(chip, options);
    await chip.command(switchField(false), { signal });
    logger.info('pn532.ready', { firmware: firmware.version, baudRate: chip.baudRate });
    return chip;
  } catch (thrown) {
    await chip.close();
    throw thrown;
  }
}

/** Field off, and back to the rate at which the next program looks first. Never rejects. */
export async function shutDown(chip: Chip, clock: Clock): Promise<void> {
  try {
    await chip.command(switchField(false));
    if (chip.baudRate !== DEFAULT_BAUD_RATE) await tellRate(chip, DEFAULT_BAUD_RATE, clock);
  } catch {
    // It has gone; the next bring-up looks for it at every rate.
  } finally {
    await chip.close();
  }
}

/** Leaves `chip` at the rate at which it answers. */
async function findRate(chip: Chip, wantedRate: number, signal: AbortSignal): Promise<void> {
  const rates = [...new Set([DEFAULT_BAUD_RATE, wantedRate, ...BAUD_RATES.toReversed()])];
  for (let round = 0; round < PROBE_ROUNDS; round++) {
    for (const rate of rates) {
      if (chip.baudRate !== rate) await chip.setBaudRate(rate);
      if (await isAwake(chip, signal)) return;
    }
  }
  throw new Pn532Failure('no-ack', 'at no rate');
}

async function isAwake(chip: Chip, signal: AbortSignal): Promise<boolean> {
  chip.send(WAKE_UP);
  try {
    await chip.command(SAM_CONFIGURATION, { attempts: PROBE_ATTEMPTS, signal });
    return true;
  } catch (thrown) {
    if (chip.isLost || signal.aborted) throw thrown;
    return false;
  }
}

/** A chip or a UART that cannot keep up at the wanted rate works at a slower one. */
async function changeRate(chip: Chip, { baudRate, clock, logger, signal }: BringUpOptions): Promise<void> {
  if (await tryRate(chip, baudRate, clock, signal)) return;
  logger.warn('pn532.rate-refused', { wanted: baudRate, baudRate: chip.baudRate });
}

/** True: host and chip are at `baudRate` now. False: they are at one that works. */
export async function tryRate(
  chip: Chip,
  baudRate: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<boolean> {
  const before = chip.baudRate;
  if (before === baudRate) return true;
  // First the host, which may be unable to: afterwards the chip would be out of reach.
  await chip.setBaudRate(baudRate);
  await chip.setBaudRate(before);
  try {
    await tellRate(chip, baudRate, clock);
    await chip.command(GET_FIRMWARE_VERSION, { signal });
    return true;
  } catch (thrown) {
    if (chip.isLost || signal.aborted) throw thrown;
    await findRate(chip, before, signal);
    return false;
  }
}

/** The chip switches after the host's acknowledgement. */
async function tellRate(chip: Chip, baudRate: number, clock: Clock): Promise<void> {
  await chip.command(setSerialBaudRate(baudRate));
  chip.send(ACK_FRAME);
  await clock.sleep(ADAPTER_MS);
  await chip.setBaudRate(baudRate);
}
