/**
 * Secure messaging of the text application, the only one that has it: confidentiality without integrity.
 * Measured on real cards; the counter advances with every secured command, also with refused ones.
 */
import { constants, type KeyObject, privateDecrypt } from 'node:crypto';
import { pad80, uint, unpad80 } from '../bytes.ts';
import { CardStatus, refuse, SW } from '../command.ts';
import { decryptCbc, encryptBlock, encryptCbc } from '../crypto/aes.ts';
import { rsaNumbers } from '../crypto/keys.ts';
import { MalformedTlv, parseSequence, parseTlv, tlv } from '../tlv.ts';

const SEED_BYTES = 32;
const BLOCK_BYTES = 16;

/** The seed inside SET SESSION KEY: RSA-OAEP-SHA-256 of A0 { 80 seed }. */
export function decryptSeed(key: KeyObject, cryptogram: Uint8Array): Uint8Array {
  const { modulus } = rsaNumbers(key);
  if (cryptogram.length !== modulus.length) return refuse(SW.wrongLength);
  if (Buffer.compare(cryptogram, modulus) >= 0) return refuse(SW.noPreciseDiagnosis);
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  try {
    const message = privateDecrypt({ key, padding, oaepHash: 'sha256' }, cryptogram);
    const [seed = new Uint8Array()] = parseSequence(parseTlv(new Uint8Array(message), 0xa0).value, [0x80]);
    return seed.length === SEED_BYTES ? seed : refuse(SW.wrongData);
  } catch (thrown) {
    throw thrown instanceof CardStatus ? thrown : new CardStatus(SW.wrongData);
  }
}

/** One session on the card. Any failure is final: 6988 once, 69FC from then on. */
export class SecureMessaging {
  readonly #key: Uint8Array;
  #counter = 0;
  #isBroken = false;

  constructor(seed: Uint8Array) {
    this.#key = seed.slice(0, BLOCK_BYTES);
  }

  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Starts the next command. */
  advance(): void {
    this.#counter += 1;
  }

  /** Plain data of `86 L 01 <ciphertext>`, which must stand alone. */
  decrypt(data: Uint8Array): Uint8Array {
    const value = this.#only(data, 0x86);
    const ciphertext = value.slice(1);
    const isWhole = ciphertext.length > 0 && ciphertext.length % BLOCK_BYTES === 0;
    if (value[0] !== 0x01 || !isWhole) return this.#break();
    return unpad80(decryptCbc(this.#key, this.#iv(), ciphertext)) ?? this.#break();
  }

  /** Expected length of `96 03 00 <Le>`; 0 asks for everything. */
  expectedLength(data: Uint8Array): number {
    const value = this.#only(data, 0x96);
    if (value.length !== 3 || value[0] !== 0x00) return this.#break();
    return (value[1] ?? 0) * 256 + (value[2] ?? 0);
  }

  encrypt(plain: Uint8Array): Uint8Array {
    return tlv(0x86, Uint8Array.of(0x01), encryptCbc(this.#key, this.#iv(), pad80(plain, BLOCK_BYTES)));
  }

  #only(data: Uint8Array, tag: number): Uint8Array {
    try {
      return parseTlv(data, tag).value;
    } catch (thrown) {
      if (thrown instanceof MalformedTlv) return this.#break();
      throw thrown;
    }
  }

  #iv(): Uint8Array {
    return encryptBlock(this.#key, uint(this.#counter, BLOCK_BYTES));
  }

  #break(): never {
    this.#isBroken = true;
    return refuse(SW.secureMessagingObjects);
  }
}
