/** The text application (券面事項入力補助AP). File 0001, the 個人番号, is deliberately not among the files. @see docs/protocol-facts.md 1.5 */
import { fromHex } from '../bytes.ts';
import { selectApplication } from '../commands/select-file.ts';
import { type PinState, queryPin } from '../commands/verify.ts';
import type { CardExchange } from '../exchange.ts';
import { isDigit, type PinRule, presentPin } from '../pin.ts';
import { VERIFICATION_NUMBER_B } from '../verification-number.ts';

const AID = fromHex('D3921000310001010408');

export const TEXT_FILE = {
  attributes: 0x0002,
  integrity: 0x0003,
  certificate: 0x0004,
  sessionKey: 0x0006,
  presenceKey: 0x0007,
} as const;

const PIN_REFERENCE = 0x80 | 0x11;
const NUMBER_B_REFERENCE = 0x80 | 0x15;

export async function openText(exchange: CardExchange): Promise<void> {
  await selectApplication(exchange, AID, { answer: 'none', absent: 'card.not-my-number-card' });
}

/** 券面事項入力補助用暗証番号: the patient's own PIN, which is not the one of the certificate. */
const PIN_RULE: PinRule = {
  reference: PIN_REFERENCE,
  minBytes: 4,
  maxBytes: 4,
  allows: isDigit,
  errors: { malformed: 'patient.pin-wrong', wrong: 'patient.pin-wrong', blocked: 'patient.pin-blocked' },
};

/** How many tries are left, without spending one. */
export function queryTextPin(exchange: CardExchange): Promise<PinState> {
  return queryPin(exchange, PIN_REFERENCE);
}

/**
 * 4 digits, 3 tries. Opens everything, and is what secure messaging asks for. Overwritten in every case.
 * Rejects with `patient.pin-*`.
 */
export function verifyTextPin(exchange: CardExchange, pin: Uint8Array): Promise<void> {
  return presentPin(exchange, PIN_RULE, pin);
}

/** 14 digits. Opens the attributes, not the 個人番号. Overwritten in every case. */
export function verifyTextNumberB(exchange: CardExchange, digits: Uint8Array): Promise<void> {
  return presentPin(exchange, { ...VERIFICATION_NUMBER_B, reference: NUMBER_B_REFERENCE }, digits);
}
