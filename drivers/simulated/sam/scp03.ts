/**
 * SCP03, the card's side. @see GlobalPlatform Card Specification Amendment D v1.1.2 §4–§6
 */
import { concat, equal, fromHex, pad80, uint, unpad80 } from '../bytes.ts';
import { type Command, refuse, SW } from '../command.ts';
import { cmac, decryptCbc, encryptBlock, encryptCbc } from '../crypto/aes.ts';
import type { ScpKeys } from './state.ts';

const LEVEL = { commandMac: 0x01, commandEncryption: 0x02, answerMac: 0x10, answerEncryption: 0x20 } as const;
const LEVELS: readonly number[] = [0x01, 0x03, 0x11, 0x13, 0x33];
/** Command and answer encrypted and authenticated. */
export const FULL_LEVEL = 0x33;
export const KEY_VERSION = 0x30;
const MAC_BYTES = 8;

/** Derivation constants. @see Amendment D table 4-1 */
const DERIVE = { cardCryptogram: 0, hostCryptogram: 1, cardChallenge: 2, enc: 4, mac: 6, rmac: 7 } as const;

/** NIST SP 800-108 in counter mode, CMAC; one block is enough for AES-128. @see Amendment D §4.1.5 */
export function derive(
  key: Uint8Array,
  constant: number,
  lengthBits: number,
  context: Uint8Array,
): Uint8Array {
  const input = concat(
    new Uint8Array(11),
    Uint8Array.of(constant, 0x00),
    uint(lengthBits, 2),
    Uint8Array.of(0x01),
    context,
  );
  return cmac(key, input).slice(0, lengthBits / 8);
}

/** The pseudo-random card challenge (bit 10 of i). @see Amendment D §6.2.2.1 */
export function cardChallenge(keys: ScpKeys, sequence: Uint8Array, aid: Uint8Array): Uint8Array {
  return derive(fromHex(keys.encryption), DERIVE.cardChallenge, 64, concat(sequence, aid));
}

/** One session: created by INITIALIZE UPDATE, opened by EXTERNAL AUTHENTICATE. */
export class Scp03Session {
  readonly #enc: Uint8Array;
  readonly #mac: Uint8Array;
  readonly #rmac: Uint8Array;
  readonly #context: Uint8Array;
  #chain: Uint8Array = new Uint8Array(16);
  #counter = 0;
  #level = 0;

  constructor(keys: ScpKeys, hostChallenge: Uint8Array, challenge: Uint8Array) {
    this.#context = concat(hostChallenge, challenge);
    this.#enc = derive(fromHex(keys.encryption), DERIVE.enc, 128, this.#context);
    this.#mac = derive(fromHex(keys.mac), DERIVE.mac, 128, this.#context);
    this.#rmac = derive(fromHex(keys.mac), DERIVE.rmac, 128, this.#context);
  }

  /** 0 before authentication. */
  get level(): number {
    return this.#level;
  }

  get cardCryptogram(): Uint8Array {
    return derive(this.#mac, DERIVE.cardCryptogram, 64, this.#context);
  }

  /** `84 82 level 00`: opens the session, or refuses it for good. */
  authenticate(command: Command): void {
    if (!LEVELS.includes(command.p1) || command.p2 !== 0) refuse(SW.wrongP1P2);
    if (command.data.length !== 8 + MAC_BYTES) refuse(SW.wrongLength);
    const cryptogram = this.#checkMac(command);
    if (!equal(cryptogram, derive(this.#mac, DERIVE.hostCryptogram, 64, this.#context))) {
      refuse(SW.authenticationFailed);
    }
    this.#level = command.p1;
  }

  /** Checks and decrypts a command; refuses with 6988. */
  unwrap(command: Command): Command {
    this.#counter += 1;
    const data = this.#checkMac(command);
    const plain = this.#has(LEVEL.commandEncryption) && data.length > 0 ? this.#decrypt(data) : data;
    return { ...command, cla: command.cla & ~0x04, data: plain };
  }

  /** Protects the answer of the newest command; an error status goes as it is. @see Amendment D §6.2.5 */
  wrap(data: Uint8Array, sw: number): Uint8Array {
    const isProtected = sw === SW.done || (sw >= 0x6200 && sw < 0x6400);
    if (!this.#has(LEVEL.answerMac) || !isProtected) return concat(data, uint(sw, 2));
    const body = this.#has(LEVEL.answerEncryption) && data.length > 0 ? this.#encrypt(data) : data;
    const mac = cmac(this.#rmac, concat(this.#chain, body, uint(sw, 2)));
    return concat(body, mac.slice(0, MAC_BYTES), uint(sw, 2));
  }

  #has(bit: number): boolean {
    return (this.#level & bit) !== 0;
  }

  /** Data without its MAC. The MAC covers the header with the secure-messaging bit and the length it travels with. */
  #checkMac({ cla, ins, p1, p2, data, isExtended }: Command): Uint8Array {
    if (data.length < MAC_BYTES) return refuse(SW.secureMessagingObjects);
    const body = data.slice(0, -MAC_BYTES);
    const length = isExtended ? concat(Uint8Array.of(0), uint(data.length, 2)) : uint(data.length, 1);
    const header = Uint8Array.of(cla | 0x04, ins, p1, p2);
    const mac = cmac(this.#mac, concat(this.#chain, header, length, body));
    if (!equal(mac.slice(0, MAC_BYTES), data.slice(-MAC_BYTES))) refuse(SW.secureMessagingObjects);
    this.#chain = mac;
    return body;
  }

  #decrypt(data: Uint8Array): Uint8Array {
    if (data.length % 16 !== 0) return refuse(SW.secureMessagingObjects);
    const iv = encryptBlock(this.#enc, uint(this.#counter, 16));
    return unpad80(decryptCbc(this.#enc, iv, data)) ?? refuse(SW.secureMessagingObjects);
  }

  #encrypt(data: Uint8Array): Uint8Array {
    const block = uint(this.#counter, 16);
    block[0] = 0x80;
    return encryptCbc(this.#enc, encryptBlock(this.#enc, block), pad80(data, 16));
  }
}

/** Key data of STORE DATA, encrypted once more under the static DEK. @see Amendment D §6.2.8 */
export function decryptKeyData(keys: ScpKeys, data: Uint8Array): Uint8Array {
  if (data.length === 0 || data.length % 16 !== 0) return refuse(SW.wrongData);
  const plain = decryptCbc(fromHex(keys.dataEncryption), new Uint8Array(16), data);
  return unpad80(plain) ?? refuse(SW.wrongData);
}
