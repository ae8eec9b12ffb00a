/** A PIN on its way to a card: its form checked, presented once, overwritten whatever happened. */
import { type ErrorCode, SekishoError } from '#contract/errors.ts';
import { type PinState, verifyPin } from './commands/verify.ts';
import type { CardExchange } from './exchange.ts';

export interface PinRule {
  /** P2 of VERIFY. */
  readonly reference: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  /** What one byte may be. */
  readonly allows: (byte: number) => boolean;
  readonly errors: { readonly malformed: ErrorCode; readonly wrong: ErrorCode; readonly blocked: ErrorCode };
}

export const OPERATOR_PIN_ERRORS = {
  malformed: 'operator.pin-malformed',
  wrong: 'operator.pin-wrong',
  blocked: 'operator.pin-blocked',
} as const;

export function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** Rejects with the rule's errors; `wrong` carries `triesLeft` in its context. Overwrites `pin` in every case. */
export async function presentPin(exchange: CardExchange, rule: PinRule, pin: Uint8Array): Promise<void> {
  try {
    if (pin.length < rule.minBytes || pin.length > rule.maxBytes || !pin.every(rule.allows)) {
      throw new SekishoError(rule.errors.malformed);
    }
    const after = await verifyPin(exchange, rule.reference, pin);
    if (after.state !== 'verified') throw refusal(rule, after);
  } finally {
    pin.fill(0);
  }
}

function refusal(rule: PinRule, after: PinState): SekishoError {
  if (after.state === 'blocked') return new SekishoError(rule.errors.blocked);
  const triesLeft = after.state === 'tries' ? after.left : undefined;
  return new SekishoError(rule.errors.wrong, { context: { triesLeft } });
}
