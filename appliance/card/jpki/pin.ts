/** The two secrets of the JPKI application. @see docs/protocol-facts.md 1.4 (0018: 4 digits, 3 tries; 001B: 6 to 16, 5 tries) */
import { type PinState, queryPin } from '../commands/verify.ts';
import type { CardExchange } from '../exchange.ts';
import { isDigit, OPERATOR_PIN_ERRORS, type PinRule, presentPin } from '../pin.ts';
import { JPKI_FILE, shortReference } from './application.ts';

export type JpkiPin = 'authentication' | 'signing';

const RULES: Readonly<Record<JpkiPin, PinRule>> = {
  authentication: {
    reference: shortReference(JPKI_FILE.authenticationPin),
    minBytes: 4,
    maxBytes: 4,
    allows: isDigit,
    errors: OPERATOR_PIN_ERRORS,
  },
  signing: {
    reference: shortReference(JPKI_FILE.signingPassword),
    minBytes: 6,
    maxBytes: 16,
    allows: (byte) => isDigit(byte) || (byte >= 0x41 && byte <= 0x5a),
    errors: OPERATOR_PIN_ERRORS,
  },
};

/** How many tries are left, without spending one. */
export function queryJpkiPin(exchange: CardExchange, pin: JpkiPin): Promise<PinState> {
  return queryPin(exchange, RULES[pin].reference);
}

/** ASCII bytes; overwritten in every case. Rejects with `operator.pin-*`. */
export function verifyJpkiPin(exchange: CardExchange, pin: JpkiPin, value: Uint8Array): Promise<void> {
  return presentPin(exchange, RULES[pin], value);
}
