/** The commands of docs/sam-profile.md §4 and the volatile state between them. One object lives from SELECT to power off. */
import type { Clock } from '#ports/clock.ts';
import type { Random } from '#ports/random.ts';
import { ascii, fromBase64, fromHex, uint } from '../bytes.ts';
import { type Command, refuse, SW } from '../command.ts';
import { tlv } from '../tlv.ts';
import type { WorkNotes } from '../virtual-card.ts';
import { verifyDisable, verifyOperatorUnlock, verifyRoster, verifySpUnlock } from './authority.ts';
import { generateDataKey, UNWRAP_COMMAND_BYTES, unwrapDataKey } from './data-keys.ts';
import {
  deriveId,
  parseTapRequest,
  signDeviceProof,
  signTap,
  stamp,
  type TapMoment,
} from './device-commands.ts';
import type { SamMemory } from './memory.ts';
import { SamSession } from './session.ts';
import type { Personalisation } from './state.ts';

/** @see docs/sam-profile.md §2, tag 89 */
const STATE = { blank: 0, locked: 1, online: 2, offline: 3, disabled: 4 } as const;
const BLANK_SAM_ID = '0000000000000000';
const NOTHING = new Uint8Array();

export function samIdOf(memory: SamMemory): Uint8Array {
  return fromHex(memory.state.personalisation?.samId ?? BLANK_SAM_ID);
}

export class SamApplication {
  readonly #memory: SamMemory;
  readonly #work: WorkNotes;
  readonly #random: Random;
  readonly #session: SamSession;

  constructor(memory: SamMemory, work: WorkNotes, clock: Clock, random: Random) {
    this.#memory = memory;
    this.#work = work;
    this.#random = random;
    this.#session = new SamSession(clock, random, memory.state.personalisation?.tickPeriodMs ?? 0);
  }

  /** Data of the answer; refusals are thrown. */
  process(command: Command): Uint8Array {
    switch (command.cla * 256 + command.ins) {
      case 0x00ca:
        return this.#getData(command);
      case 0x0084:
        return this.#getChallenge(command);
      case 0x0082:
        return this.#externalAuthenticate(command);
      case 0x0088:
        return this.#internalAuthenticate(command);
      case 0x002a:
        return this.#computeSignature(command);
      case 0x8010:
        return this.#tickStamp(command);
      case 0x8012:
        return this.#deriveId(command);
      case 0x8014:
        return this.#dataKey(command);
      case 0x8016:
        return this.#updateRoster(command);
      case 0x8018:
        return this.#lock();
      case 0x801a:
        return this.#disable(command);
      default:
        return refuse(SW.insNotSupported);
    }
  }

  #unlocked(): Personalisation {
    const personalisation = this.#memory.usable;
    return this.#session.unlock === undefined ? refuse(SW.securityStatus) : personalisation;
  }

  #moment(): TapMoment {
    const { ticks, tickNonce } = this.#session;
    return { useCounter: this.#memory.state.useCounter, ticks, tickNonce };
  }

  #getData({ p1, p2, data }: Command): Uint8Array {
    if (data.length > 0) return refuse(SW.wrongLength);
    const tag = p1 * 256 + p2;
    switch (tag) {
      case 0xdf20:
        return this.#status();
      case 0xdf21:
        return tlv(tag, fromBase64(this.#memory.identity.deviceCertificate));
      case 0xdf22:
        return tlv(tag, tlv(0x93, ascii(this.#memory.identity.institutionCode)));
      case 0xdf23:
        return tlv(tag, ascii(this.#memory.identity.profileId));
      case 0xdf30:
      case 0xdf31: {
        const key = this.#unlocked().organisation[tag === 0xdf30 ? '01' : '02'];
        return fromBase64(key?.certificate ?? refuse(SW.referenceNotFound));
      }
      default:
        return refuse(SW.referenceNotFound);
    }
  }

  #status(): Uint8Array {
    const { personalisation, lifeCycle, useCounter, rosterVersion } = this.#memory.state;
    const { unlock, ticks, tickNonce } = this.#session;
    const state = lifeCycle === 'personalised' ? STATE[unlock?.how ?? 'locked'] : STATE[lifeCycle];
    return tlv(
      0xdf20,
      tlv(0x80, samIdOf(this.#memory)),
      tlv(0x89, uint(state, 1)),
      tlv(0x83, uint(useCounter, 4)),
      tlv(0x87, uint(unlock?.usesLeft ?? 0, 2)),
      tlv(0x84, uint(ticks, 8)),
      tlv(0x85, tickNonce),
      tlv(0x8a, uint(personalisation?.tickPeriodMs ?? 0, 2)),
      tlv(0x86, uint(rosterVersion, 4)),
      tlv(0x82, unlock?.networkId ?? new Uint8Array(16)),
    );
  }

  #getChallenge(command: Command): Uint8Array {
    requireParameters(command, 0x0000);
    if (command.data.length > 0 || command.le !== 0x20) return refuse(SW.wrongLength);
    this.#work.note('random');
    return this.#session.newChallenge();
  }

  #externalAuthenticate({ p1, p2, data }: Command): Uint8Array {
    if (p1 !== 0 || (p2 !== 0x01 && p2 !== 0x02)) return refuse(SW.wrongP1P2);
    const sam = this.#memory.usable;
    const challenge = this.#session.takeChallenge() ?? refuse(SW.conditions);
    const grant =
      p2 === 0x01
        ? verifySpUnlock(data, challenge, sam, this.#work)
        : verifyOperatorUnlock(data, challenge, sam, this.#memory.state.roster, this.#work);
    this.#session.open({ how: p2 === 0x01 ? 'online' : 'offline', ...grant });
    return NOTHING;
  }

  #internalAuthenticate(command: Command): Uint8Array {
    requireParameters(command, 0x0001);
    requireLength(command.data, 32, 32);
    return signDeviceProof(this.#memory.usable, command.data, this.#work);
  }

  #computeSignature(command: Command): Uint8Array {
    requireParameters(command, 0x9e9a);
    const sam = this.#unlocked();
    const { unlock } = this.#session;
    if (unlock === undefined || unlock.usesLeft === 0) return refuse(SW.authenticationBlocked);
    const request = parseTapRequest(command.data);
    const key = sam.organisation[request.suite] ?? refuse(SW.referenceNotFound);
    // Counted and saved before the signature exists: a power cut may waste a use, never hide one.
    this.#memory.state.useCounter += 1;
    unlock.usesLeft -= 1;
    this.#memory.persist();
    return signTap(sam, key.privateKey, request, this.#moment(), this.#work);
  }

  #tickStamp(command: Command): Uint8Array {
    requireParameters(command, 0x0000);
    requireLength(command.data, 32, 32);
    const sam = this.#memory.usable;
    this.#session.countStamp();
    return stamp(sam, command.data, this.#moment(), this.#work);
  }

  #deriveId(command: Command): Uint8Array {
    requireParameters(command, 0x0000);
    requireLength(command.data, 1, 64);
    return deriveId(this.#unlocked(), command.data, this.#work);
  }

  /** P1 01 and 02, which took and gave keys in clear, went with profile 1. */
  #dataKey({ p1, p2, data }: Command): Uint8Array {
    if (p2 !== 0 || (p1 !== 0x03 && p1 !== 0x04)) return refuse(SW.wrongP1P2);
    const lengthBytes = p1 === 0x03 ? 0 : UNWRAP_COMMAND_BYTES;
    requireLength(data, lengthBytes, lengthBytes);
    const sam = this.#unlocked();
    return p1 === 0x03
      ? generateDataKey(sam, this.#random, this.#work)
      : unwrapDataKey(sam, data, this.#work);
  }

  #updateRoster(command: Command): Uint8Array {
    requireParameters(command, 0x0000);
    const { state, usable } = this.#memory;
    const roster = verifyRoster(command.data, state.rosterVersion, usable, this.#work);
    state.rosterVersion = roster.version;
    state.roster = roster.operators;
    this.#memory.persist();
    return NOTHING;
  }

  #lock(): Uint8Array {
    this.#session.lock();
    return NOTHING;
  }

  #disable(command: Command): Uint8Array {
    requireParameters(command, 0x0000);
    const { state, usable } = this.#memory;
    const challenge = this.#session.takeChallenge() ?? refuse(SW.conditions);
    verifyDisable(command.data, challenge, usable, this.#work);
    this.#session.lock();
    state.lifeCycle = 'disabled';
    state.personalisation = { ...usable, organisation: {} };
    this.#memory.persist();
    return NOTHING;
  }
}

function requireParameters({ p1, p2 }: Command, expected: number): void {
  if (p1 * 256 + p2 !== expected) refuse(SW.wrongP1P2);
}

export function requireLength(data: Uint8Array, shortest: number, longest: number): void {
  if (data.length < shortest || data.length > longest) refuse(SW.wrongLength);
}
