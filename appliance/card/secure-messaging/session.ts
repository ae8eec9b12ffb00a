/**
 * A secure messaging session with the text application, as one more CardExchange: commands do not know it is there.
 * The PIN has to be presented before, in clear; what is protected is everything after. @see docs/protocol-facts.md 1.8
 */
import { SekishoError } from '#contract/errors.ts';
import { type Random, systemRandom } from '#ports/random.ts';
import type { CommandApdu, ResponseApdu } from '../apdu.ts';
import { readObjectFile } from '../commands/read-binary.ts';
import type { CardExchange, SendOptions } from '../exchange.ts';
import { INS } from '../instruction.ts';
import { parseRsaPublicKey } from '../rsa-public-key.ts';
import { requireOk, SW } from '../status-word.ts';
import { TEXT_FILE } from '../text/application.ts';
import { parseTlv } from '../tlv.ts';
import {
  encodeCryptogram,
  encodeExpectedLength,
  encodeKeyDelivery,
  parseCryptogram,
  SEED_BYTES,
  sessionKey,
} from './messages.ts';

const TAG_PUBLIC_KEY = 0xa1;
/** Secure messaging without an authenticated header. @see ISO 7816-4 §5.4.1 */
const CLA_SECURE = 0x08;
const EXTENDED_EXPECTED_BYTES = 65_536;
/** The card has lost count, and with it the session. */
const SESSION_LOST: readonly number[] = [0x6882, 0x6987, 0x6988, 0x69fc];

/** No key delivery is configured, or the instruction is unknown: this card has no secure messaging. */
const NOT_OFFERED: readonly number[] = [0x66f1, SW.instructionUnsupported];

/**
 * Opens a session over `exchange`; the text application is selected and its PIN presented. A card that does not offer
 * secure messaging is spoken to in clear: then this is `exchange` itself.
 */
export async function withTextSecureMessaging(
  exchange: CardExchange,
  random: Random = systemRandom,
): Promise<CardExchange> {
  const file = await readObjectFile(exchange, { fileId: TEXT_FILE.sessionKey });
  const cardKey = parseRsaPublicKey(parseTlv(file, TAG_PUBLIC_KEY).value);
  const seed = random.bytes(SEED_BYTES);
  const header = { cla: 0x80, ins: INS.setSessionKey, p1: 0x00, p2: 0x00 };
  const answer = await exchange.send({ ...header, data: encodeKeyDelivery(seed, cardKey), extended: true });
  if (NOT_OFFERED.includes(answer.sw)) return exchange;
  requireOk(answer);
  const session = new Session(exchange, sessionKey(seed));
  seed.fill(0);
  return session;
}

class Session implements CardExchange {
  readonly #plain: CardExchange;
  readonly #key: Uint8Array;
  #counter = 1;
  #lost = false;
  #previous: Promise<unknown> = Promise.resolve();

  constructor(plain: CardExchange, key: Uint8Array) {
    this.#plain = plain;
    this.#key = key;
  }

  get meter(): CardExchange['meter'] {
    return this.#plain.meter;
  }

  /** One at a time: the counter of an answer must be that of its command. */
  send(command: CommandApdu, options: SendOptions = {}): Promise<ResponseApdu> {
    const next = this.#previous.then(() => this.#sendSecure(command, options));
    this.#previous = next.catch(() => undefined);
    return next;
  }

  async #sendSecure(command: CommandApdu, options: SendOptions): Promise<ResponseApdu> {
    if (this.#lost)
      throw new SekishoError('card.security-status', { context: { layer: 'secure-messaging' } });
    const counter = this.#counter;
    // The card counts each secure command, refused ones too. A lost answer leaves the count unknown.
    this.#counter += 1;
    this.#lost = true;
    const response = await this.#plain.send(protect(this.#key, counter, command), options);
    this.#lost = SESSION_LOST.includes(response.sw);
    if (response.data.length === 0) return response;
    return { sw: response.sw, data: parseCryptogram(this.#key, counter, response.data) };
  }
}

/** VERIFY and SELECT carry `86`, READ BINARY carries `96`; exactly one object either way. */
function protect(key: Uint8Array, counter: number, command: CommandApdu): CommandApdu {
  const { ins, p1, p2, data, expectedBytes } = command;
  if (ins === INS.readBinary) {
    const asked = encodeExpectedLength(expectedBytes ?? 0);
    return { cla: CLA_SECURE, ins, p1, p2, data: asked, expectedBytes: EXTENDED_EXPECTED_BYTES };
  }
  if ((ins !== INS.verify && ins !== INS.selectFile) || !data) {
    throw new SekishoError('internal.bug', { context: { layer: 'secure-messaging', ins } });
  }
  return { cla: CLA_SECURE, ins, p1, p2, data: encodeCryptogram(key, counter, data) };
}
