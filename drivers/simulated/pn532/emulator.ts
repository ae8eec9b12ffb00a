/** An emulated PN532 with an antenna that cards are put on: bytes at one end, cards at the other. */
import { type Clock, systemClock } from '#ports/clock.ts';
import type { Random } from '#ports/random.ts';
import type { ControlledSlot } from '../control.ts';
import type { Behaviour } from '../faults.ts';
import { type Meter, type TimingProfile, ZERO_TIMING } from '../timing.ts';
import type { VirtualCard } from '../virtual-card.ts';
import { isContactless } from './card-work.ts';
import { ChipState } from './chip-state.ts';
import type { CommandHandler, CommandOutcome } from './command.ts';
import { ChipFaults } from './faults.ts';
import { RadioField } from './field.ts';
import { ACK, encodeResponse, type HostFrame, HostFrameDecoder, SYNTAX_ERROR } from './host-frame.ts';
import { RADIO_COMMANDS } from './radio-commands.ts';
import { ChipSerialPort, type SerialLine } from './serial-port.ts';
import { SYSTEM_COMMANDS } from './system-commands.ts';
import { TARGET_COMMANDS } from './target-commands.ts';
import { WakeUp } from './wake-up.ts';
import { WorkMeter } from './work-meter.ts';

export interface EmulatedPn532Options {
  readonly clock?: Clock;
  readonly random?: Random;
  readonly timing?: TimingProfile;
  readonly meter?: Meter;
}

/** Needs the field, and therefore a chip that has left the state after power-up. */
const NEEDS_RADIO: Readonly<Record<number, CommandHandler>> = { ...RADIO_COMMANDS, ...TARGET_COMMANDS };
const RFCONFIGURATION = 0x32;

/** The command was given up, by the host or by a reset; nothing is answered. */
class GivenUp extends Error {}

export class EmulatedPn532 implements ControlledSlot {
  /** What the card does wrong; push and splice as you like. */
  readonly faults: Behaviour[] = [];
  readonly chipFaults = new ChipFaults();
  readonly #field: RadioField;
  readonly #chip: ChipState;
  readonly #decoder = new HostFrameDecoder();
  readonly #wakeUp = new WakeUp();
  readonly #clock: Clock;
  readonly #timing: TimingProfile;
  readonly #random: Random | undefined;
  readonly #meter: WorkMeter;
  #port: ChipSerialPort | undefined;
  #running: AbortController | undefined;
  #order: Promise<void> = Promise.resolve();
  #lastResponse: Uint8Array | undefined;
  #baudAfterAck: number | undefined;
  #isHung = false;

  constructor(options: EmulatedPn532Options = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#timing = options.timing ?? ZERO_TIMING;
    this.#random = options.random;
    this.#meter = new WorkMeter(options.meter);
    const { faults: behaviours, chipFaults: faults } = this;
    this.#field = new RadioField({ timing: this.#timing, behaviours, faults, random: options.random });
    this.#chip = new ChipState(this.#field, () => this.#clock.monotonicMs());
  }

  /** The rate that the chip speaks at now. */
  get baud(): number {
    return this.#chip.baud;
  }

  get isFieldOn(): boolean {
    return this.#field.isOn;
  }

  get cards(): readonly VirtualCard[] {
    return this.#field.cards;
  }

  /** Wires the chip to a line; another one before is cut off. */
  attach(line: SerialLine): void {
    const isTimed = this.#field.isTimed;
    const port: ChipSerialPort = new ChipSerialPort({
      line,
      clock: this.#clock,
      isTimed,
      faults: this.chipFaults,
      random: this.#random,
      baud: () => this.#chip.baud,
      onByte: (byte, atMs, wireMs) => {
        if (this.#port === port) this.#hear(byte, atMs, wireMs);
      },
    });
    this.#port = port;
  }

  /** Puts one more card on the antenna. Throws RangeError for one without antenna. */
  insert(card: VirtualCard): void {
    if (!isContactless(card)) throw new RangeError('this card has no antenna');
    this.#field.insert(card);
  }

  /** Takes all cards away. */
  remove(): void {
    this.#field.clear();
  }

  /** The supply goes away and comes back. */
  reset(): void {
    this.#giveUp();
    this.#isHung = false;
    this.#chip.reset();
    this.#fallAsleep();
  }

  #fallAsleep(): void {
    this.#chip.isAsleep = true;
    this.#wakeUp.reset();
    this.#decoder.reset();
    this.#baudAfterAck = undefined;
  }

  #hear(byte: number, atMs: number, wireMs: number): void {
    if (this.#isHung) return;
    if (this.#chip.isAsleep) {
      if (!this.#wakeUp.hears(byte, wireMs, this.#chip.baud)) return;
      this.#chip.isAsleep = false;
    }
    for (const frame of this.#decoder.push(byte)) this.#take(frame, atMs);
  }

  #take(frame: HostFrame, atMs: number): void {
    switch (frame.kind) {
      case 'ack':
        if (this.#baudAfterAck === undefined) this.#giveUp();
        else this.#chip.baud = this.#baudAfterAck;
        this.#baudAfterAck = undefined;
        return;
      case 'nack':
        if (this.#lastResponse !== undefined) this.#repeat(this.#lastResponse, atMs);
        return;
      case 'foreign':
        this.#repeat(SYNTAX_ERROR, atMs);
        return;
      case 'command':
        this.#begin(frame.code, frame.data, atMs);
    }
  }

  #giveUp(): void {
    this.#running?.abort(new GivenUp('given up'));
  }

  #repeat(bytes: Uint8Array, atMs: number): void {
    this.#queue(async (signal) => {
      await this.#port?.sendResponse(bytes, atMs, signal);
    });
  }

  /** One command at a time; a new one ends the one before. @see UM0701-02 §6.2.2 */
  #begin(code: number, data: Uint8Array, atMs: number): void {
    this.#giveUp();
    this.#baudAfterAck = undefined;
    this.#lastResponse = undefined;
    this.#queue((signal) => this.#carryOut(code, data, atMs, signal));
  }

  #queue(work: (signal: AbortSignal) => Promise<void>): void {
    const running = new AbortController();
    this.#running = running;
    this.#order = this.#order
      .then(() => (running.signal.aborted ? undefined : work(running.signal)))
      .catch((thrown: unknown) => {
        if (!(thrown instanceof GivenUp)) throw thrown;
      })
      .finally(() => {
        if (this.#running === running) this.#running = undefined;
      });
  }

  async #carryOut(code: number, data: Uint8Array, atMs: number, signal: AbortSignal): Promise<void> {
    const port = this.#port;
    if (port === undefined) return;
    const fault = this.chipFaults.strike('brown-out', 'baud-lost', 'stuck', 'hung');
    if (fault?.kind === 'hung') {
      this.#isHung = true;
      return;
    }
    const frameBytes = data.length + (data.length > 253 ? 12 : 9);
    const startMs = atMs - frameBytes * port.byteMs;
    const ackedMs = await port.sendAck(ACK, atMs, signal);
    if (fault?.kind === 'stuck') await this.#clock.sleep(2 ** 31 - 1, signal);
    const outcome = await this.#run(code, data, ackedMs, signal);
    if (fault?.kind === 'brown-out') return this.reset();
    if (fault?.kind === 'baud-lost') {
      this.#chip.baud = fault.value ?? 115_200;
      return;
    }
    const response = outcome === 'syntax-error' ? SYNTAX_ERROR : encodeResponse(code, outcome.data);
    const readyMs = outcome === 'syntax-error' ? ackedMs : outcome.endMs;
    // From here on the host may have the response before we know: its ACK or NACK is about this one.
    this.#lastResponse = response;
    if (outcome !== 'syntax-error') this.#baudAfterAck = outcome.thenBaud;
    const endMs = await port.sendResponse(response, readyMs, signal);
    if (outcome === 'syntax-error') return;
    this.#meter.note(code, outcome, startMs, endMs);
    if (outcome.thenSleeps === true) this.#powerDown();
  }

  async #run(code: number, data: Uint8Array, atMs: number, signal: AbortSignal): Promise<CommandOutcome> {
    const radio = NEEDS_RADIO[code];
    const isReady = this.#chip.power === 'normal' || code === RFCONFIGURATION;
    const handler = radio === undefined ? SYSTEM_COMMANDS[code] : isReady ? radio : undefined;
    return handler === undefined ? 'syntax-error' : handler(this.#chip, { data, atMs, signal });
  }

  #powerDown(): void {
    this.#field.turnOff();
    this.#chip.forgetTargets();
    this.#fallAsleep();
  }
}
