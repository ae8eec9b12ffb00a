/** The answer of InListPassiveTarget, type by type. @see UM0701-02 §7.3.5 */
import type { CardType } from './commands.ts';
import { Pn532Failure } from './failure.ts';

export type FoundCard =
  | {
      readonly type: 'A';
      /** SAK: bit 20 = speaks ISO 14443-4. */
      readonly selectAcknowledge: number;
    }
  | {
      readonly type: 'B';
      readonly atqb: Uint8Array;
      /** What the card said to the chip's own ATTRIB; its low nibble is the CID that it took. */
      readonly attribAnswer: Uint8Array;
    };

/** `50` to protocol info. */
const ATQB_BYTES = 12;

/**
 * Throws `chip-trouble` for an answer that ends too early. Behind two cards the second is only counted: its data
 * matters to nobody.
 */
export function parseTargets(type: CardType, answer: Uint8Array): FoundCard[] {
  const [count = 0] = answer;
  if (count === 0) return [];
  const first = type === 'A' ? parseTypeA(answer.subarray(2)) : parseTypeB(answer.subarray(2));
  return Array.from({ length: count }, () => first);
}

/** `SENS_RES (2) | SEL_RES | length | NFCID1` */
function parseTypeA(target: Uint8Array): FoundCard {
  const [, , selectAcknowledge, idLength] = target;
  if (selectAcknowledge === undefined || idLength === undefined || target.length < 4 + idLength) {
    throw new Pn532Failure('chip-trouble', 'target A');
  }
  return { type: 'A', selectAcknowledge };
}

/** `ATQB (12) | length | ATTRIB_RES` */
function parseTypeB(target: Uint8Array): FoundCard {
  const length = target[ATQB_BYTES] ?? 0;
  const attribAnswer = target.slice(ATQB_BYTES + 1, ATQB_BYTES + 1 + length);
  if (target.length < ATQB_BYTES || attribAnswer.length < length) {
    throw new Pn532Failure('chip-trouble', 'target B');
  }
  return { type: 'B', atqb: target.slice(0, ATQB_BYTES), attribAnswer };
}
