/** The radio field of the chip: power for the cards in it, and the air between. */
import { type Random, systemRandom } from '#ports/random.ts';
import type { Behaviour } from '../faults.ts';
import type { TimingProfile } from '../timing.ts';
import { blankCard } from './blank-card.ts';
import type { CompletedApdu } from './block-protocol.ts';
import { CardWork, type ContactlessCard } from './card-work.ts';
import { type RadioType, withCrc, withoutCrc } from './crc.ts';
import type { ChipFaults } from './faults.ts';
import type { AirAnswer, AirFrame, Picc } from './picc.ts';
import { PiccA } from './picc-a.ts';
import { PiccB } from './picc-b.ts';

export type Heard = { readonly endMs: number } & (
  | { readonly kind: 'silence' }
  | { readonly kind: 'frame'; readonly bytes: Uint8Array; readonly completed?: CompletedApdu }
  /** Several cards spoke at once, and not the same. */
  | { readonly kind: 'collision'; readonly frames: readonly Uint8Array[] }
);

export interface FieldOptions {
  readonly timing: TimingProfile;
  /** Of the card; read at every exchange. */
  readonly behaviours: readonly Behaviour[];
  readonly faults: ChipFaults;
  readonly random?: Random | undefined;
}

const OVERSIZE_BYTES = 300;

export class RadioField {
  readonly #options: FieldOptions;
  readonly #random: Random;
  readonly #waiters = new Set<() => void>();
  #piccs: readonly Picc[] = [];
  /** A second card of the same kind, which is there while a behaviour says so. */
  #double: Picc | undefined;
  #isOn = false;

  constructor(options: FieldOptions) {
    this.#options = options;
    this.#random = options.random ?? systemRandom;
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  /** False with the zero profile. */
  get isTimed(): boolean {
    return this.#airMs(1) > 0;
  }

  get cards(): readonly ContactlessCard[] {
    return this.#piccs.map(({ card }) => card);
  }

  /** Puts one more card into the field. */
  insert(card: ContactlessCard): void {
    this.#piccs = [...this.#piccs, this.#open(card, this.#options.behaviours)];
    this.#double = this.#open(blankCard(card.link, this.#random), []);
    this.#wakeWaiters();
  }

  #open(card: ContactlessCard, behaviours: readonly Behaviour[]): Picc {
    const { timing, faults } = this.#options;
    const work = new CardWork(card, timing.card, behaviours);
    const options = { work, random: this.#random, faults };
    const picc = card.link.type === 'A' ? new PiccA(options) : new PiccB(options);
    if (this.#isOn) picc.powerOn();
    return picc;
  }

  /** Whoever hears a frame. */
  get #listeners(): readonly Picc[] {
    if (!this.#isOn || this.#piccs.length === 0) return [];
    const isDoubled = this.#options.behaviours.some(({ isCollision }) => isCollision === true);
    return isDoubled && this.#double !== undefined ? [...this.#piccs, this.#double] : this.#piccs;
  }

  /** Takes all cards away. */
  clear(): void {
    for (const picc of this.#piccs) picc.powerOff();
    this.#piccs = [];
    this.#double = undefined;
    this.#wakeWaiters();
  }

  turnOn(): void {
    if (this.#isOn) return;
    this.#isOn = true;
    for (const picc of this.#piccs) picc.powerOn();
    this.#double?.powerOn();
  }

  turnOff(): void {
    this.#isOn = false;
    for (const picc of this.#piccs) picc.powerOff();
    this.#double?.powerOff();
  }

  /** Resolves when a card comes or goes; rejects when aborted. */
  changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiters.delete(onChange);
        reject(signal.reason);
      };
      const onChange = (): void => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      if (signal.aborted) return onAbort();
      this.#waiters.add(onChange);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  #wakeWaiters(): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const waiter of waiters) waiter();
  }

  /**
   * Sends one frame at `atMs`, and listens for `timeoutMs` after its end. With the zero profile the air takes no time, and
   * neither does waiting for nothing.
   */
  async transmit(frame: AirFrame, atMs: number, timeoutMs: number): Promise<Heard> {
    const sentMs = atMs + this.#airMs(frame.bytes.length);
    const answers: AirAnswer[] = [];
    for (const picc of this.#listeners) {
      const answer = await picc.hear(frame, sentMs);
      if (picc.hasLeft) this.#lose(picc);
      else if (answer !== undefined && answer.atMs <= sentMs + timeoutMs) {
        const heard = this.#spoil(picc, answer);
        if (heard !== undefined) answers.push(heard);
      }
    }
    const [first] = answers;
    if (first === undefined) {
      const isEndless = timeoutMs === Number.POSITIVE_INFINITY;
      return { kind: 'silence', endMs: sentMs + (this.isTimed || isEndless ? timeoutMs : 0) };
    }
    const endMs = first.atMs + this.#airMs(first.bytes.length);
    const frames = answers.map(({ bytes }) => bytes);
    const isOneVoice = frames.every((bytes) => Buffer.compare(bytes, first.bytes) === 0);
    if (!isOneVoice) return { kind: 'collision', frames, endMs };
    const { bytes, completed } = first;
    return { kind: 'frame', bytes, endMs, ...(completed && { completed }) };
  }

  #airMs(bytes: number): number {
    const { byteMs, frameMs } = this.#options.timing.card.link;
    return bytes * byteMs + frameMs;
  }

  #lose(picc: Picc): void {
    picc.powerOff();
    this.#piccs = this.#piccs.filter((each) => each !== picc);
    this.#wakeWaiters();
  }

  /** What arrives of a block, with the faults in force. */
  #spoil(picc: Picc, answer: AirAnswer): AirAnswer | undefined {
    if (answer.isBlock !== true) return answer;
    const fault = this.#options.faults.strike('rf-timeout', 'frame-error', 'block-removal', 'oversize-block');
    switch (fault?.kind) {
      case 'rf-timeout':
        return undefined;
      case 'block-removal':
        this.#lose(picc);
        return undefined;
      case 'frame-error':
        return { ...answer, bytes: answer.bytes.with(-1, (answer.bytes.at(-1) ?? 0) ^ 0x01) };
      case 'oversize-block':
        return { ...answer, bytes: longer(picc.type, answer.bytes, fault.value ?? OVERSIZE_BYTES) };
      default:
        return answer;
    }
  }
}

/** The same block with more in it, and a checksum that fits. */
function longer(type: RadioType, frame: Uint8Array, extraBytes: number): Uint8Array {
  const block = withoutCrc(type, frame) ?? frame;
  const grown = new Uint8Array(block.length + extraBytes).fill(0xa5);
  grown.set(block);
  return withCrc(type, grown);
}
