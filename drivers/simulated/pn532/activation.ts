/** How the firmware finds cards: InListPassiveTarget for both radio types. @see UM0701-02 §7.3.5, ISO 14443-3 */
import { concat } from '../bytes.ts';
import { frameBytesOf, waitingTimeMs } from './block-protocol.ts';
import { type RadioType, withCrc, withoutCrc } from './crc.ts';
import type { RadioField } from './field.ts';
import { readAts } from './picc-a.ts';
import { FSDI, Target } from './target.ts';

/** A card that does not answer a call within this time is not there. */
const CALL_TIMEOUT_MS = 1;
/** Activation: FWT of FWI 4 to ATTRIB and RATS. @see ISO 14443-4 §5.6 */
const ACTIVATION_TIMEOUT_MS = 5;
const MAX_SLOT_EXPONENT = 4;
const UID_BITS = 40;

export interface Found {
  readonly targets: Target[];
  readonly endMs: number;
}

interface Air {
  /** Frames that came back: none, one, or several at once. */
  call(bytes: Uint8Array, lastBits?: number): Promise<readonly Uint8Array[]>;
  /** The one sound answer, without its checksum. */
  ask(bytes: Uint8Array, timeoutMs?: number): Promise<Uint8Array | undefined>;
  atMs: number;
}

function airOf(field: RadioField, type: RadioType, startMs: number): Air {
  const send = async (
    bytes: Uint8Array,
    timeoutMs: number,
    lastBits?: number,
  ): Promise<readonly Uint8Array[]> => {
    const frame = { type, bytes, ...(lastBits === undefined ? {} : { lastBits }) };
    const heard = await field.transmit(frame, air.atMs, timeoutMs);
    air.atMs = heard.endMs;
    if (heard.kind === 'silence') return [];
    return heard.kind === 'frame' ? [heard.bytes] : heard.frames;
  };
  const air: Air = {
    atMs: startMs,
    call: (bytes, lastBits) => send(bytes, CALL_TIMEOUT_MS, lastBits),
    ask: async (bytes, timeoutMs = CALL_TIMEOUT_MS) => {
      const [answer, second] = await send(withCrc(type, bytes), timeoutMs);
      return answer === undefined || second !== undefined ? undefined : withoutCrc(type, answer);
    },
  };
  return air;
}

interface Search {
  readonly max: number;
  /** Calls sleeping cards too. */
  readonly wakes?: boolean;
  /** Number of the first card that is found. Default: 1. */
  readonly firstNumber?: number;
}

/** Calls with more and more slots, until no two cards answer in the same; up to `max` cards are activated. */
export async function findTypeB(
  field: RadioField,
  options: Search & { readonly family: number },
  startMs: number,
): Promise<Found> {
  const air = airOf(field, 'B', startMs);
  const targets: Target[] = [];
  for (let exponent = 0; exponent <= MAX_SLOT_EXPONENT; exponent += 1) {
    if (!(await callSlots(field, air, options, exponent, targets))) break;
  }
  return { targets, endMs: air.atMs };
}

/** One round of 2^`exponent` slots, which adds to `targets`; true when cards collided and room is left. */
async function callSlots(
  field: RadioField,
  air: Air,
  { family, max, wakes, firstNumber = 1 }: Search & { readonly family: number },
  exponent: number,
  targets: Target[],
): Promise<boolean> {
  let isCollided = false;
  const parameter = (wakes === true ? 0x08 : 0x00) | exponent;
  for (let slot = 0; slot < 2 ** exponent; slot += 1) {
    const call = slot === 0 ? Uint8Array.of(0x05, family, parameter) : Uint8Array.of((slot << 4) | 0x05);
    const [answer, second] = await air.call(withCrc('B', call));
    if (second !== undefined) isCollided = true;
    const atqb = answer !== undefined && second === undefined ? withoutCrc('B', answer) : undefined;
    const target = atqb && (await activateTypeB(field, air, atqb, firstNumber + targets.length));
    if (target !== undefined) targets.push(target);
    if (targets.length >= max) return false;
  }
  return isCollided;
}

/** ATTRIB: 106 kbit/s, FSD 64, and the number of the target as CID. */
async function activateTypeB(
  field: RadioField,
  air: Air,
  atqb: Uint8Array,
  number: number,
): Promise<Target | undefined> {
  const [, sizeAndType = 0, timeAndOptions = 0] = atqb.slice(9);
  if (atqb.length < 12 || atqb[0] !== 0x50) return undefined;
  const takesNumber = (timeAndOptions & 1) !== 0;
  const attrib = concat(
    Uint8Array.of(0x1d),
    atqb.slice(1, 5),
    Uint8Array.of(0x00, FSDI, sizeAndType & 0x01, takesNumber ? number : 0),
  );
  const answer = await air.ask(attrib, ACTIVATION_TIMEOUT_MS);
  if (answer === undefined) return undefined;
  return new Target(field, {
    number,
    type: 'B',
    cid: takesNumber ? number : undefined,
    fscBytes: frameBytesOf(sizeAndType >> 4),
    fwtMs: waitingTimeMs(timeAndOptions >> 4),
    report: concat(Uint8Array.of(number), atqb, Uint8Array.of(answer.length), answer),
    speaksBlocks: true,
  });
}

export async function findTypeA(
  field: RadioField,
  options: Search & { readonly asksForAts: boolean; readonly uid?: Uint8Array | undefined },
  startMs: number,
): Promise<Found> {
  const air = airOf(field, 'A', startMs);
  const firstNumber = options.firstNumber ?? 1;
  const targets: Target[] = [];
  while (targets.length < options.max) {
    const [atqa] = await air.call(Uint8Array.of(options.wakes === true ? 0x52 : 0x26), 7);
    const uid = atqa && (options.uid ?? (await resolveUid(air)));
    if (atqa === undefined || uid === undefined) break;
    const target = await selectTypeA(field, air, atqa, uid, firstNumber + targets.length, options.asksForAts);
    if (target === undefined) break;
    targets.push(target);
  }
  return { targets, endMs: air.atMs };
}

/** Anticollision bit by bit: where cards differ, the ones with 1 stay. @see ISO 14443-3 §6.5.3 */
async function resolveUid(air: Air): Promise<Uint8Array | undefined> {
  let known: Uint8Array = new Uint8Array();
  let knownBits = 0;
  for (;;) {
    const valid = (((knownBits + 16) >> 3) << 4) | (knownBits & 7);
    const frame = concat(Uint8Array.of(0x93, valid), known);
    const answers = await air.call(frame, knownBits & 7 || undefined);
    const [first] = answers;
    if (first === undefined) return undefined;
    if (answers.length === 1) return first.slice(0, 4);
    const bitOf = (uid: Uint8Array, bit: number): number => ((uid[bit >> 3] ?? 0) >> (bit & 7)) & 1;
    while (
      knownBits < UID_BITS &&
      answers.every((uid) => bitOf(uid, knownBits) === bitOf(first, knownBits))
    ) {
      knownBits += 1;
    }
    const winner = answers.find((uid) => bitOf(uid, knownBits) === 1) ?? first;
    knownBits += 1;
    known = winner.slice(0, Math.ceil(knownBits / 8));
  }
}

async function selectTypeA(
  field: RadioField,
  air: Air,
  atqa: Uint8Array,
  uid: Uint8Array,
  number: number,
  asksForAts: boolean,
): Promise<Target | undefined> {
  const check = uid.reduce((xor, byte) => xor ^ byte, 0);
  const sak = await air.ask(concat(Uint8Array.of(0x93, 0x70), uid, Uint8Array.of(check)));
  if (sak === undefined) return undefined;
  const speaksBlocks = ((sak[0] ?? 0) & 0x20) !== 0 && asksForAts;
  // The first card gets CID 0, and blocks without any.
  const rats = Uint8Array.of(0xe0, (FSDI << 4) | (number - 1));
  const ats = speaksBlocks ? await air.ask(rats, ACTIVATION_TIMEOUT_MS) : undefined;
  const { fsci, fwi } = readAts(ats ?? new Uint8Array());
  return new Target(field, {
    number,
    type: 'A',
    cid: number === 1 ? undefined : number - 1,
    fscBytes: frameBytesOf(fsci),
    fwtMs: waitingTimeMs(fwi),
    // SENS_RES is reported high byte first.
    report: concat(
      Uint8Array.of(number),
      atqa.slice(0, 2).reverse(),
      sak,
      Uint8Array.of(uid.length),
      uid,
      ats ?? new Uint8Array(),
    ),
    speaksBlocks: ats !== undefined,
  });
}
