/** Everything that the chip knows, and forgets when its supply breaks down. */
import { RESET_BAUD } from './baud.ts';
import type { RadioField } from './field.ts';
import { Registers } from './registers.ts';
import type { Target } from './target.ts';

/** `low-battery`: as after power-up, awake or not; no radio until SAMConfiguration. @see UM0701-02 §7.2.10 */
export type PowerMode = 'low-battery' | 'normal';

/** UM0701-02 §7.3.1, as after reset. */
interface RadioSettings {
  /** Code of the time that InCommunicateThru waits for a card. */
  timeoutCode: number;
  /** Repetitions of a frame that was not answered. */
  communicationRetries: number;
  /** Repetitions of the search for a card; FF is without end. */
  passiveRetries: number;
}

const RESET_SETTINGS: RadioSettings = { timeoutCode: 0x0a, communicationRetries: 0, passiveRetries: 0xff };
/** P30 to P35 are pulled up; P71 and P72 too. */
const RESET_PORTS = { p3: 0x3f, p7: 0x06 };
const AUTOMATIC_ATR_RES = 0x04;
const AUTOMATIC_RATS = 0x10;

export class ChipState {
  readonly field: RadioField;
  /** By the monotonic clock. */
  readonly nowMs: () => number;
  readonly registers = new Registers();
  /** How it speaks to the host. */
  baud: number = RESET_BAUD;
  power: PowerMode = 'low-battery';
  isAsleep = true;
  samMode = 0x01;
  parameters = AUTOMATIC_ATR_RES | AUTOMATIC_RATS;
  settings: RadioSettings = { ...RESET_SETTINGS };
  ports = { ...RESET_PORTS };
  targets: Target[] = [];
  /** Targets that were sent to sleep and are still listed. */
  readonly sleeping = new Set<Target>();
  lastError = 0;

  constructor(field: RadioField, nowMs: () => number) {
    this.field = field;
    this.nowMs = nowMs;
  }

  get asksForAts(): boolean {
    return (this.parameters & AUTOMATIC_RATS) !== 0;
  }

  forgetTargets(): void {
    this.targets = [];
    this.sleeping.clear();
  }

  reset(): void {
    this.registers.reset();
    this.baud = RESET_BAUD;
    this.power = 'low-battery';
    this.isAsleep = true;
    this.samMode = 0x01;
    this.parameters = AUTOMATIC_ATR_RES | AUTOMATIC_RATS;
    this.settings = { ...RESET_SETTINGS };
    this.ports = { ...RESET_PORTS };
    this.lastError = 0;
    this.forgetTargets();
    this.field.turnOff();
  }
}
