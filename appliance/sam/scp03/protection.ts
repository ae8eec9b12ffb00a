/**
 * Secure messaging of one SCP03 session, without any I/O: command APDU in, protected command APDU out, and back.
 * @see GlobalPlatform Amendment D 1.1.2 §6.2.4 to §6.2.7
 */
import { timingSafeEqual } from 'node:crypto';
import { type CommandApdu, isExtended, type ResponseApdu } from '#card/apdu.ts';
import { concatBytes } from '#card/bytes.ts';
import { SekishoError } from '#contract/errors.ts';
import { AES_BLOCK_BYTES, decryptCbc, encryptBlock, encryptCbc, padIso9797, unpadIso9797 } from './aes.ts';
import { aesCmac } from './cmac.ts';
import type { SessionKeys } from './kdf.ts';

/** P1 of EXTERNAL AUTHENTICATE: bits 01 C-MAC, 02 C-ENC, 10 R-MAC, 20 R-ENC. @see Amendment D table 7-5 */
export type SecurityLevel = 0x01 | 0x03 | 0x11 | 0x13 | 0x33;

const C_ENC = 0x02;
const R_MAC = 0x10;
const R_ENC = 0x20;
const SECURE_MESSAGING = 0x04;
const MAC_BYTES = 8;
/** Short length fields only: a Java Card buffer is 261 bytes, and STORE DATA is made to be split. */
const MAX_PROTECTED_BYTES = 255;

/** The longest plain data field that still fits one short protected command. */
export const MAX_PLAIN_BYTES = 239;

export class Scp03Protection {
  readonly #keys: SessionKeys;
  readonly #level: SecurityLevel;
  #chain: Uint8Array = new Uint8Array(AES_BLOCK_BYTES);
  #counter = 0;

  constructor(keys: SessionKeys, level: SecurityLevel) {
    this.#keys = keys;
    this.#level = level;
  }

  /** C-MAC only: what EXTERNAL AUTHENTICATE gets, which is never encrypted nor counted. */
  authenticateCommand(command: CommandApdu): CommandApdu {
    const data = command.data ?? new Uint8Array();
    const lengthBytes = data.length + MAC_BYTES;
    if (lengthBytes > MAX_PROTECTED_BYTES || isExtended(command)) {
      throw new SekishoError('internal.bug', { context: { scp03: 'command too long' } });
    }
    const cla = command.cla | SECURE_MESSAGING;
    const header = Uint8Array.of(cla, command.ins, command.p1, command.p2, lengthBytes);
    this.#chain = aesCmac(this.#keys.mac, concatBytes(this.#chain, header, data));
    return { ...command, cla, data: concatBytes(data, this.#chain.subarray(0, MAC_BYTES)) };
  }

  protectCommand(command: CommandApdu): CommandApdu {
    this.#counter += 1;
    const data = command.data ?? new Uint8Array();
    if ((this.#level & C_ENC) === 0 || data.length === 0) {
      return this.authenticateCommand(command);
    }
    const encrypted = encryptCbc(this.#keys.enc, padIso9797(data), this.#icv(0x00));
    return this.authenticateCommand({ ...command, data: encrypted });
  }

  /** Throws `sam.personalisation-failed` when the answer is not the SAM's own. */
  unprotectAnswer(answer: ResponseApdu): ResponseApdu {
    if ((this.#level & R_MAC) === 0) {
      return answer;
    }
    if (!carriesMac(answer.sw)) {
      // A bare error status is all that the card may say without a MAC. @see Amendment D §6.2.5
      return { ...answer, data: new Uint8Array() };
    }
    const body = this.#verifyMac(answer);
    if ((this.#level & R_ENC) === 0 || body.length === 0) {
      return { ...answer, data: body };
    }
    if (body.length % AES_BLOCK_BYTES !== 0) {
      throw scp03Failure('answer length');
    }
    const data = unpadIso9797(decryptCbc(this.#keys.enc, body, this.#icv(0x80)));
    if (data === undefined) {
      throw scp03Failure('answer padding');
    }
    return { ...answer, data };
  }

  #verifyMac(answer: ResponseApdu): Uint8Array {
    if (answer.data.length < MAC_BYTES) {
      throw scp03Failure('answer without MAC');
    }
    const body = answer.data.subarray(0, -MAC_BYTES);
    const status = Uint8Array.of(answer.sw >> 8, answer.sw & 0xff);
    const expected = aesCmac(this.#keys.rmac, concatBytes(this.#chain, body, status));
    if (!timingSafeEqual(expected.subarray(0, MAC_BYTES), answer.data.subarray(-MAC_BYTES))) {
      throw scp03Failure('answer MAC');
    }
    return body;
  }

  /** The command counter as one encrypted block; the first byte tells answers from commands. @see §6.2.6, §6.2.7 */
  #icv(direction: 0x00 | 0x80): Uint8Array {
    const block = new Uint8Array(AES_BLOCK_BYTES);
    block[0] = direction;
    new DataView(block.buffer).setUint32(AES_BLOCK_BYTES - 4, this.#counter);
    return encryptBlock(this.#keys.enc, block);
  }
}

function carriesMac(sw: number): boolean {
  return sw === 0x9000 || sw >> 8 === 0x62 || sw >> 8 === 0x63;
}

export function scp03Failure(what: string): SekishoError {
  return new SekishoError('sam.personalisation-failed', { context: { scp03: what } });
}
