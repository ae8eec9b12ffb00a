/** A SAM: power, selection, and the two parties it talks with: the appliance and the personaliser. */
import { type Clock, systemClock } from '#ports/clock.ts';
import { type Random, systemRandom } from '#ports/random.ts';
import { concat, equal, fromHex, uint } from '../bytes.ts';
import { answer, CardStatus, type Command, parseCommand, refuse, SW } from '../command.ts';
import { MalformedTlv, tlv } from '../tlv.ts';
import { type VirtualCard, WorkLog } from '../virtual-card.ts';
import { SamApplication, samIdOf } from './application.ts';
import { SamMemory } from './memory.ts';
import { PersonalisationChannel } from './personalisation-channel.ts';
import { blankSamState, type SamState } from './state.ts';

const AID = fromHex('F053454B4953484F01');
/** T=1, TA1 95, twelve historical bytes. */
const ATR_WITHOUT_CHECK = fromHex('3B9C958131FE9F006646534B495348414D0100');
const PROFILE_VERSION = 0x0002;

export interface SimulatedSamOptions {
  /** Default: blank. */
  readonly state?: SamState;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Called with the whole state after each non-volatile change, before the answer leaves. */
  readonly save?: (state: SamState) => void;
}

export class SimulatedSam implements VirtualCard {
  readonly device = 'sam';
  readonly work = new WorkLog();
  readonly #memory: SamMemory;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #channel: PersonalisationChannel;
  #isPowered = false;
  #application: SamApplication | undefined;

  constructor(options: SimulatedSamOptions = {}) {
    this.#memory = new SamMemory(
      options.state ?? blankSamState(),
      this.work,
      options.save ?? ((): void => {}),
    );
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    // The tick period may have changed, and no unlock outlives new keys.
    this.#channel = new PersonalisationChannel(this.#memory, this.work, AID, () => this.#open());
  }

  get atr(): Uint8Array {
    const check = ATR_WITHOUT_CHECK.slice(1).reduce((xor, byte) => xor ^ byte, 0);
    return concat(ATR_WITHOUT_CHECK, Uint8Array.of(check));
  }

  /** A copy of the non-volatile state. */
  get state(): SamState {
    return structuredClone(this.#memory.state);
  }

  powerOn(): void {
    this.#isPowered = true;
  }

  powerOff(): void {
    this.#isPowered = false;
    this.#forget();
  }

  /** A contact chip loses its memory with every reset. */
  warmReset(): void {
    this.#forget();
  }

  process(bytes: Uint8Array): Uint8Array {
    this.work.note('command');
    try {
      return this.#process(bytes);
    } catch (thrown) {
      return answer(undefined, statusOf(thrown));
    }
  }

  #process(bytes: Uint8Array): Uint8Array {
    if (!this.#isPowered) return refuse(SW.noPreciseDiagnosis);
    const command = parseCommand(bytes);
    const { cla, ins } = command;
    if ((cla & 0x7f) === 0x04) return this.#channel.process(command);
    if (cla !== 0x00 && cla !== 0x80) return refuse(SW.claNotSupported);
    if (cla === 0x00 && ins === 0xa4) return answer(this.#select(command));
    const application = this.#application ?? refuse(SW.conditions);
    if (cla === 0x80 && ins === 0x50) return answer(this.#channel.initializeUpdate(command));
    return answer(application.process(command));
  }

  #select({ p1, p2, data }: Command): Uint8Array {
    if (p1 !== 0x04 || p2 !== 0x00) return refuse(SW.wrongP1P2);
    if (!equal(data, AID)) return refuse(SW.fileNotFound);
    this.#channel.close();
    this.#open();
    const properties = tlv(0xa5, tlv(0x80, samIdOf(this.#memory)), tlv(0x9f08, uint(PROFILE_VERSION, 2)));
    return tlv(0x6f, tlv(0x84, AID), properties);
  }

  #open(): void {
    this.#application = new SamApplication(this.#memory, this.work, this.#clock, this.#random);
  }

  #forget(): void {
    this.#application = undefined;
    this.#channel.close();
  }
}

function statusOf(thrown: unknown): number {
  if (thrown instanceof CardStatus) return thrown.sw;
  return thrown instanceof MalformedTlv ? SW.wrongData : SW.noPreciseDiagnosis;
}
