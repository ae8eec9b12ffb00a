/**
 * 照合番号B: 14 digits printed on the card (birth YYMMDD in era years, expiry year, security code). It opens the face
 * and the four attributes. 照合番号A is the 個人番号 and is never used here. @see docs/protocol-facts.md 1.6
 */
import { isDigit, type PinRule } from './pin.ts';

export const VERIFICATION_NUMBER_B: Omit<PinRule, 'reference'> = {
  minBytes: 14,
  maxBytes: 14,
  allows: isDigit,
  errors: {
    malformed: 'patient.security-code-wrong',
    wrong: 'patient.security-code-wrong',
    blocked: 'patient.security-code-blocked',
  },
};
