/** The secure channel and the two commands that live inside it. @see docs/sam-profile.md §5 */
import { generateKeyPairSync } from 'node:crypto';
import { concat, uint } from '../bytes.ts';
import { answer, CardStatus, type Command, refuse, SW } from '../command.ts';
import { ecPoint, exportPrivateKey } from '../crypto/keys.ts';
import { tlv } from '../tlv.ts';
import type { WorkNotes } from '../virtual-card.ts';
import { requireLength } from './application.ts';
import type { SamMemory } from './memory.ts';
import { DgiCollector, makePersonalisation } from './personalisation.ts';
import { cardChallenge, FULL_LEVEL, KEY_VERSION, Scp03Session } from './scp03.ts';

export class PersonalisationChannel {
  readonly #memory: SamMemory;
  readonly #work: WorkNotes;
  readonly #aid: Uint8Array;
  readonly #onCommitted: () => void;
  #session: Scp03Session | undefined;
  #dgis = new DgiCollector();
  /** Made in this channel, not committed yet. */
  #newDeviceKey: string | undefined;

  constructor(memory: SamMemory, work: WorkNotes, aid: Uint8Array, onCommitted: () => void) {
    this.#memory = memory;
    this.#work = work;
    this.#aid = aid;
    this.#onCommitted = onCommitted;
  }

  close(): void {
    this.#session = undefined;
    this.#newDeviceKey = undefined;
    this.#dgis = new DgiCollector();
  }

  /** `80 50`: starts a session and ends the one before. */
  initializeUpdate({ p1, p2, data }: Command): Uint8Array {
    if (p1 !== KEY_VERSION) return refuse(SW.referenceNotFound);
    if (p2 !== 0) return refuse(SW.wrongP1P2);
    requireLength(data, 8, 8);
    this.close();
    const { state } = this.#memory;
    state.scpSequence += 1;
    this.#memory.persist();
    const sequence = uint(state.scpSequence, 3);
    const challenge = cardChallenge(state.scpKeys, sequence, this.#aid);
    this.#work.note('symmetric');
    this.#session = new Scp03Session(state.scpKeys, data, challenge);
    const keyInformation = Uint8Array.of(KEY_VERSION, 0x03, 0x70);
    return concat(new Uint8Array(10), keyInformation, challenge, this.#session.cardCryptogram, sequence);
  }

  /** A command with the secure-messaging bit: answers a whole response APDU. */
  process(command: Command): Uint8Array {
    const session = this.#session ?? refuse(SW.securityStatus);
    this.#work.note('symmetric');
    if (command.ins === 0x82) {
      this.#orClose(() => session.authenticate(command));
      return answer();
    }
    if (session.level === 0) return refuse(SW.securityStatus);
    const plain = this.#orClose(() => session.unwrap(command));
    try {
      return session.wrap(this.#personalise(plain, session.level), SW.done);
    } catch (thrown) {
      if (thrown instanceof CardStatus) return session.wrap(new Uint8Array(), thrown.sw);
      throw thrown;
    }
  }

  /** Whatever is not authentic ends the channel. @see Amendment D §5.4 */
  #orClose<T>(act: () => T): T {
    try {
      return act();
    } catch (thrown) {
      this.close();
      throw thrown;
    }
  }

  #personalise(command: Command, level: number): Uint8Array {
    if (level !== FULL_LEVEL) return refuse(SW.securityStatus);
    if (command.ins === 0x46) return this.#generateKey(command);
    return command.ins === 0xe2 ? this.#storeData(command) : refuse(SW.insNotSupported);
  }

  #storeData(command: Command): Uint8Array {
    const dgis = this.#dgis.push(command);
    if (dgis === undefined) return new Uint8Array();
    const { state } = this.#memory;
    const deviceKey = this.#newDeviceKey ?? state.personalisation?.deviceKey;
    state.personalisation = makePersonalisation(dgis, deviceKey, state.scpKeys);
    state.lifeCycle = 'personalised';
    state.rosterVersion = 0;
    state.roster = [];
    this.#newDeviceKey = undefined;
    this.#memory.persist();
    this.#onCommitted();
    return new Uint8Array();
  }

  #generateKey({ p1, p2 }: Command): Uint8Array {
    if (p1 !== 0x80 || p2 !== 0x01) return refuse(SW.wrongP1P2);
    this.#work.note('p-256-generate');
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#newDeviceKey = exportPrivateKey(privateKey);
    return tlv(0x7f49, tlv(0x86, ecPoint(publicKey)));
  }
}
