/** A whole card: power, application selection, and what every application of it shares. */
import { type Clock, systemClock } from '#ports/clock.ts';
import { type Random, systemRandom } from '#ports/random.ts';
import { concat, fromHex, toHex } from '../bytes.ts';
import { answer, CardStatus, type Command, parseCommand, refuse, SW } from '../command.ts';
import { tlv } from '../tlv.ts';
import { type VirtualCard, WorkLog } from '../virtual-card.ts';
import { FileApplication } from './application.ts';
import type { Chip } from './chip.ts';
import { atqbOf } from './identity.ts';
import { AID, type ApplicationImage, type CardImage, type LinkImage } from './image.ts';
import { IssuerDomain } from './issuer-domain.ts';
import { JpkiApplication } from './jpki.ts';
import { CardFaceApplication, RecordApplication } from './record-application.ts';
import { TextApplication } from './text.ts';

export interface SimulatedCardOptions {
  readonly clock?: Clock;
  readonly random?: Random;
  /** Called with the whole image after each change of a PIN or retry counter, before the answer leaves. */
  readonly save?: (image: CardImage) => void;
}

export class SimulatedCard implements VirtualCard {
  readonly device = 'card';
  readonly work = new WorkLog();
  readonly #image: CardImage;
  readonly #random: Random;
  readonly #applications: readonly FileApplication[];
  readonly #issuerDomain: IssuerDomain;
  #isPowered = false;
  #selected: FileApplication | undefined;
  #challenge: Uint8Array | undefined;
  #chained: Uint8Array = new Uint8Array();
  #pendingAnswer: Uint8Array = new Uint8Array();
  #failsNext = false;
  #pupi: Uint8Array;

  /** The image is copied: two cards made from it live their own lives. */
  constructor(image: CardImage, options: SimulatedCardOptions = {}) {
    this.#image = structuredClone(image);
    this.#random = options.random ?? systemRandom;
    this.#pupi = this.#random.bytes(4);
    const chip: Chip = {
      clock: options.clock ?? systemClock,
      random: this.#random,
      work: this.work,
      takeChallenge: () => this.#takeChallenge(),
      save: () => options.save?.(structuredClone(this.#image)),
    };
    this.#applications = this.#image.applications.map((entry) => openApplication(entry, chip, this.#image));
    this.#issuerDomain = new IssuerDomain(this.#image.issuerData);
  }

  get atr(): Uint8Array {
    return fromHex(this.#image.atr);
  }

  /** How the card presents itself in a field. */
  get link(): LinkImage {
    return this.#image.link;
  }

  /** For a chip emulator; undefined for a phone, which answers as type A. */
  get atqb(): Uint8Array | undefined {
    return atqbOf(this.#image.link, this.#pupi);
  }

  /** A copy of the card as it is now, retry counters included. */
  get image(): CardImage {
    return structuredClone(this.#image);
  }

  powerOn(): void {
    if (this.#isPowered) return;
    this.#isPowered = true;
    this.#pupi = this.#random.bytes(4);
    this.#failsNext = this.#image.quirks.failsFirstCommand;
  }

  powerOff(): void {
    this.#isPowered = false;
    this.#select(undefined);
    this.#challenge = undefined;
    this.#chained = new Uint8Array();
    this.#pendingAnswer = new Uint8Array();
  }

  /** Changes nothing: rights survive a warm reset on real cards, only the field ends them. */
  warmReset(): void {}

  process(bytes: Uint8Array): Uint8Array {
    this.work.note('command');
    try {
      return this.#process(bytes);
    } catch (thrown) {
      return answer(undefined, thrown instanceof CardStatus ? thrown.sw : SW.noPreciseDiagnosis);
    }
  }

  #process(bytes: Uint8Array): Uint8Array {
    if (this.#failsNext || !this.#isPowered) {
      this.#failsNext = false;
      return refuse(SW.noPreciseDiagnosis);
    }
    const command = parseCommand(bytes);
    if ((command.cla & 0x80) === 0 && (command.cla & 0x03) !== 0) return refuse(SW.channelNotSupported);
    if (command.ins === 0xc0 && command.cla === 0x00) return this.#getResponse(command);
    this.#pendingAnswer = new Uint8Array();
    if (command.cla === 0x10 || command.cla === 0x90) {
      this.#chained = concat(this.#chained, command.data);
      return answer();
    }
    const whole = { ...command, data: concat(this.#chained, command.data) };
    this.#chained = new Uint8Array();
    return this.#limit(this.#dispatch(whole), command);
  }

  #dispatch(command: Command): Uint8Array {
    const { cla, ins, p1 } = command;
    if ((cla & 0x08) !== 0 && (cla & 0x80) === 0 && !(this.#selected instanceof TextApplication)) {
      return refuse(ins === 0xa4 ? SW.secureMessagingNotSupported : SW.secureMessagingNoSession);
    }
    if (cla === 0x00 && ins === 0xa4 && p1 === 0x04) return this.#selectByName(command);
    if (cla === 0x00 && ins === 0x84) return this.#getChallenge(command);
    return (this.#selected ?? this.#issuerDomain).process(command);
  }

  /** A prefix of the name is enough, the first application wins. @see JICSAP 4.2 */
  #selectByName({ p2, data, le }: Command): Uint8Array {
    if (p2 !== 0x00 && p2 !== 0x0c) return refuse(SW.wrongP1P2);
    const name = toHex(data);
    const isIssuerDomain = name !== '' && AID.issuerDomain.startsWith(name);
    const found = this.#applications.find(({ aid }) => name !== '' && aid.startsWith(name));
    if (found === undefined && !isIssuerDomain) return refuse(SW.fileNotFound);
    this.#select(found);
    const control = tlv(0x6f, tlv(0x84, fromHex(found?.aid ?? AID.issuerDomain)));
    return p2 === 0x00 && le !== undefined ? answer(control) : answer();
  }

  #select(application: FileApplication | undefined): void {
    this.#selected?.reset();
    application?.reset();
    this.#selected = application;
  }

  #getChallenge({ p1, p2, data, le, isExtended }: Command): Uint8Array {
    if (p1 !== 0 || p2 !== 0) return refuse(SW.wrongP1P2);
    if (isExtended) return refuse(SW.conditions);
    if (le === undefined || data.length > 0) return refuse(SW.wrongLength);
    this.work.note('random');
    this.#challenge = this.#random.bytes(le);
    return answer(this.#challenge);
  }

  #takeChallenge(): Uint8Array | undefined {
    const challenge = this.#challenge;
    this.#challenge = undefined;
    return challenge;
  }

  /** Fits an answer to Le: whole, 6Cxx when Le is too short, or 61xx on cards that chain answers. */
  #limit(response: Uint8Array, { le, data: sent }: Command): Uint8Array {
    const data = response.slice(0, -2);
    const { chainsResponses } = this.#image.quirks;
    const fits = le === undefined || data.length <= le;
    if (data.length === 0 || (fits && !(chainsResponses && sent.length > 0))) return response;
    if (!chainsResponses) return refuse(data.length <= 256 ? 0x6c00 | lengthByte(data) : SW.wrongLength);
    this.#pendingAnswer = data;
    return refuse(0x6100 | lengthByte(data));
  }

  #getResponse({ le }: Command): Uint8Array {
    const pending = this.#pendingAnswer;
    if (pending.length === 0 || le === undefined) return refuse(SW.conditions);
    this.#pendingAnswer = pending.slice(le);
    const isLast = this.#pendingAnswer.length === 0;
    return answer(pending.slice(0, le), isLast ? SW.done : 0x6100 | lengthByte(this.#pendingAnswer));
  }
}

/** SW2 of 61xx and 6Cxx: 00 stands for 256 and more. */
function lengthByte(data: Uint8Array): number {
  return data.length < 256 ? data.length : 0;
}

function openApplication(entry: ApplicationImage, chip: Chip, image: CardImage): FileApplication {
  switch (entry.kind) {
    case 'jpki':
      return new JpkiApplication(entry, chip, image.variant === 'android' || image.variant === 'iphone');
    case 'text':
      return new TextApplication(entry, chip);
    case 'card-face':
      return new CardFaceApplication(entry, chip);
    case 'common':
    case 'juki':
      return new RecordApplication(entry, chip);
    case 'hpki':
      return new FileApplication(entry, chip);
  }
}
