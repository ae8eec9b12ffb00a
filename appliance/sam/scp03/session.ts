/** Opens an SCP03 session with a card; afterwards commands go through it as they would without it. */
import { timingSafeEqual } from 'node:crypto';
import type { CommandApdu, ResponseApdu } from '#card/apdu.ts';
import { concatBytes } from '#card/bytes.ts';
import type { CardExchange } from '#card/exchange.ts';
import type { Random } from '#ports/random.ts';
import { encryptCbc, padIso9797 } from './aes.ts';
import { DERIVATION, derive, deriveSessionKeys, type StaticKeys } from './kdf.ts';
import { Scp03Protection, type SecurityLevel, scp03Failure } from './protection.ts';

export interface Scp03Options {
  readonly staticKeys: StaticKeys;
  readonly keyVersion: number;
  readonly level: SecurityLevel;
  /** Gives the 8-byte host challenge. */
  readonly random: Random;
}

export interface Scp03Session {
  /** Sends one command under the session; anything that is not the card's own answer ends the session. */
  send(command: CommandApdu): Promise<ResponseApdu>;
  /** Key data under the static DEK. @see GlobalPlatform Amendment D 1.1.2 §6.2.8 */
  encryptKeyData(value: Uint8Array): Uint8Array;
}

const HOST_CHALLENGE_BYTES = 8;
const CRYPTOGRAM_BYTES = 8;
const PROTOCOL_SCP03 = 0x03;
/** i: 10 pseudo-random challenge, 20 R-MAC, 40 R-ENC; the low bits are reserved or S16 mode. @see Amendment D table 5-1 */
const PARAMETER_PSEUDO_RANDOM = 0x10;
const PARAMETER_KNOWN = 0x70;

/** Mutual authentication. Rejects with `sam.personalisation-failed`; errors of the line go through as they are. */
export async function openScp03(
  exchange: Pick<CardExchange, 'send'>,
  options: Scp03Options,
): Promise<Scp03Session> {
  const { staticKeys, keyVersion, level } = options;
  const hostChallenge = options.random.bytes(HOST_CHALLENGE_BYTES);
  const answer = await exchange.send({
    cla: 0x80,
    ins: 0x50,
    p1: keyVersion,
    p2: 0x00,
    data: hostChallenge,
    expectedBytes: 256,
  });
  expectDone(answer, 'INITIALIZE UPDATE');
  const card = parseInitializeUpdate(answer.data, keyVersion, level);

  const context = concatBytes(hostChallenge, card.challenge);
  const keys = deriveSessionKeys(staticKeys, context);
  const expected = derive(keys.mac, DERIVATION.cardCryptogram, CRYPTOGRAM_BYTES, context);
  if (!timingSafeEqual(expected, card.cryptogram)) {
    throw scp03Failure('card cryptogram');
  }

  const protection = new Scp03Protection(keys, level);
  const hostCryptogram = derive(keys.mac, DERIVATION.hostCryptogram, CRYPTOGRAM_BYTES, context);
  const authenticate = { cla: 0x84, ins: 0x82, p1: level, p2: 0x00, data: hostCryptogram };
  expectDone(await exchange.send(protection.authenticateCommand(authenticate)), 'EXTERNAL AUTHENTICATE');
  return protectedSession(exchange, protection, staticKeys.dek);
}

function protectedSession(
  exchange: Pick<CardExchange, 'send'>,
  protection: Scp03Protection,
  dek: Uint8Array,
): Scp03Session {
  let broken = false;
  return {
    async send(command) {
      if (broken) {
        throw scp03Failure('session ended');
      }
      // Set before and cleared after: a lost answer leaves the MAC chain unknown too.
      broken = true;
      const answer = protection.unprotectAnswer(await exchange.send(protection.protectCommand(command)));
      broken = false;
      return answer;
    },
    encryptKeyData(value) {
      const padded = padIso9797(value);
      const encrypted = encryptCbc(dek, padded);
      padded.fill(0);
      return encrypted;
    },
  };
}

interface InitializeUpdateAnswer {
  readonly challenge: Uint8Array;
  readonly cryptogram: Uint8Array;
}

/** Diversification data 10, KVN, 03, i, challenge 8, cryptogram 8, sequence counter 3 when pseudo-random. @see §7.1.1 */
function parseInitializeUpdate(
  data: Uint8Array,
  keyVersion: number,
  level: SecurityLevel,
): InitializeUpdateAnswer {
  const [kvn, protocol, parameter = 0] = data.subarray(10, 13);
  if (protocol !== PROTOCOL_SCP03 || (parameter & ~PARAMETER_KNOWN) !== 0) {
    throw scp03Failure('protocol');
  }
  if (kvn !== keyVersion) {
    throw scp03Failure('key version');
  }
  // Bits 10 and 20 of the level ask for R-MAC and R-ENC, which i announces as 20 and 40.
  const announced = (parameter >> 1) & 0x30;
  if ((level & 0x30 & ~announced) !== 0) {
    throw scp03Failure('level');
  }
  if (data.length !== ((parameter & PARAMETER_PSEUDO_RANDOM) === 0 ? 29 : 32)) {
    throw scp03Failure('INITIALIZE UPDATE length');
  }
  return { challenge: data.subarray(13, 21), cryptogram: data.subarray(21, 29) };
}

function expectDone(answer: ResponseApdu, step: string): void {
  if (answer.sw !== 0x9000) {
    throw scp03Failure(`${step} ${answer.sw.toString(16)}`);
  }
}
