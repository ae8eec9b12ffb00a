/** The chip as an antenna: field on and off, calling cards, one raw frame to the card and its answer. */
import type { Clock } from '#ports/clock.ts';
import type { RadioOutcome, RadioWait } from './block-transmission.ts';
import type { Chip } from './chip.ts';
import {
  type CardType,
  communicateThru,
  LIMIT_RETRIES,
  LONGEST_RF_TIMEOUT,
  listPassiveTargets,
  type RfTimeoutCode,
  rfTimeoutFor,
  rfTimeoutMs,
  SAM_CONFIGURATION,
  SET_PARAMETERS,
  setRfTimeout,
  switchField,
} from './commands.ts';
import { type FailureKind, Pn532Failure } from './failure.ts';
import { judgeStatus } from './rf-status.ts';
import { type FoundCard, parseTargets } from './targets.ts';

/** A card has nothing to compute for an R-block; its frame waiting time is for answers to commands. */
const SIGN_OF_LIFE_MS = 200;
/** A card may answer 5 ms after the field came. @see ISO 14443-3 §5.1 */
const POWER_UP_MS = 6;
/** Twice the 5 ms after which a card must have forgotten, and a little. @see ISO 14443-3 §5.1 */
const POWER_DOWN_MS = 12;
/** Between the chip's own timeout and its saying so. */
const CHIP_MARGIN_MS = 250;
const LIST_TIMEOUT_MS = 1_000;
/** The exchange did not go through; the chip may be well. */
const LOST: readonly FailureKind[] = ['no-ack', 'no-response', 'refused'];

export class FrontEnd {
  readonly chip: Chip;
  readonly #clock: Clock;
  #rfTimeout: RfTimeoutCode | undefined;
  #isConfigured = false;

  constructor(chip: Chip, clock: Clock) {
    this.chip = chip;
    this.#clock = clock;
  }

  /** After a failure: a chip whose power dipped has forgotten its settings. */
  doubtSettings(): void {
    this.#isConfigured = false;
    this.#rfTimeout = undefined;
  }

  async configure(signal?: AbortSignal): Promise<void> {
    if (this.#isConfigured) return;
    for (const command of [SAM_CONFIGURATION, SET_PARAMETERS, LIMIT_RETRIES]) {
      await this.chip.command(command, { signal });
    }
    this.#isConfigured = true;
  }

  async fieldOff(): Promise<void> {
    await this.chip.command(switchField(false));
  }

  /** Every card in the field starts from nothing. */
  async resetField(signal?: AbortSignal): Promise<void> {
    await this.chip.command(switchField(false), { signal });
    await this.#clock.sleep(POWER_DOWN_MS, signal);
    await this.fieldOn(signal);
  }

  async fieldOn(signal?: AbortSignal): Promise<void> {
    await this.chip.command(switchField(true), { signal });
    await this.#clock.sleep(POWER_UP_MS, signal);
  }

  /** Those that answer a call of this type; the chip activates type B by itself, type A up to SELECT. */
  async list(type: CardType, atMost: 1 | 2, signal?: AbortSignal): Promise<FoundCard[]> {
    const call = listPassiveTargets(type, atMost);
    const answer = await this.chip.command(call, { timeoutMs: LIST_TIMEOUT_MS, signal });
    return parseTargets(type, answer);
  }

  /** One frame without CRC. Rejects with `deadline`, a failure of the chip, or the signal's reason. */
  async exchange(frame: Uint8Array, wait: RadioWait, signal?: AbortSignal): Promise<RadioOutcome> {
    const { deadlineMs } = wait;
    const code = wait.patience === 'answer' ? LONGEST_RF_TIMEOUT : rfTimeoutFor(SIGN_OF_LIFE_MS);
    try {
      if (this.#rfTimeout !== code) {
        await this.chip.command(setRfTimeout(code), { deadlineMs, signal });
        this.#rfTimeout = code;
      }
      const timeoutMs = rfTimeoutMs(code) + CHIP_MARGIN_MS;
      const answer = await this.chip.command(communicateThru(frame), { timeoutMs, deadlineMs, signal });
      return toOutcome(answer);
    } catch (thrown) {
      if (thrown instanceof Pn532Failure && LOST.includes(thrown.kind)) return { kind: 'lost' };
      throw thrown;
    }
  }
}

function toOutcome(answer: Uint8Array): RadioOutcome {
  const [status] = answer;
  if (status === undefined) return { kind: 'lost' };
  const verdict = judgeStatus(status);
  if (verdict === 'trouble') throw new Pn532Failure('chip-trouble', `status ${status.toString(16)}`);
  return verdict === 'ok' ? { kind: 'answer', bytes: answer.slice(1) } : { kind: verdict };
}
