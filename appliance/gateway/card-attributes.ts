/** The four attributes (基本4情報) that the card itself carries, for the registration of a new patient. */
import type { KeyObject } from 'node:crypto';
import { signChallenge, verifyChallenge } from '#card/card-presence.ts';
import type { CardExchange } from '#card/exchange.ts';
import { withTextSecureMessaging } from '#card/secure-messaging/session.ts';
import { openText, queryTextPin, verifyTextNumberB, verifyTextPin } from '#card/text/application.ts';
import {
  type Attributes,
  readAttributes,
  readIntegrityRecord,
  readTextCertificate,
  verifyAttributes,
} from '#card/text/attributes.ts';
import { readPresenceKey, verifyPresenceKey } from '#card/text/presence-key.ts';
import { SekishoError } from '#contract/errors.ts';

/** Attributes, and the signature by which the card showed that they are its own. */
export interface PresentAttributes {
  readonly attributes: Attributes;
  readonly publicKey: KeyObject;
  readonly signature: Uint8Array;
}

/** ASCII digits; overwritten in every case. */
export type AttributesSecret =
  | { readonly kind: 'number-b'; readonly digits: Uint8Array }
  | { readonly kind: 'pin'; readonly digits: Uint8Array };

/**
 * Opens the text application and reads what its issuer signed under `rootKey`; attributes that nobody vouches for, or
 * whose card does not answer `challenge`, are a forgery (`card.not-genuine`).
 * Rejects `patient.security-code-*`, `patient.pin-*` and `card.*`. Selecting this application ends the JPKI session.
 */
export async function readCardAttributes(
  exchange: CardExchange,
  secret: AttributesSecret,
  rootKey: KeyObject,
  challenge: Uint8Array,
): Promise<PresentAttributes> {
  await openText(exchange);
  const reading = await unlock(exchange, secret);
  const signed = await readAttributes(reading);
  const record = await readIntegrityRecord(reading);
  const key = await readPresenceKey(reading);
  const certificate = await readTextCertificate(reading);
  const signing = signChallenge(exchange, challenge);
  // While the card signs.
  const isVouchedFor =
    verifyAttributes(signed, record, certificate, rootKey) && verifyPresenceKey(key, certificate);
  const signature = await signing;
  if (!isVouchedFor || !verifyChallenge(key.publicKey, challenge, signature)) {
    throw new SekishoError('card.not-genuine', { context: { what: 'card attributes' } });
  }
  return { attributes: signed.attributes, publicKey: key.publicKey, signature };
}

/** The PIN gives a session in which nobody beside the reader can listen; 照合番号B gives none. @see docs/protocol-facts.md 1.8 */
async function unlock(exchange: CardExchange, secret: AttributesSecret): Promise<CardExchange> {
  if (secret.kind === 'number-b') {
    await verifyTextNumberB(exchange, secret.digits);
    return exchange;
  }
  const { digits } = secret;
  try {
    const tries = await queryTextPin(exchange);
    // A convenience is not worth the patient's way to the municipal office.
    if (tries.state === 'tries' && tries.left === 1) throw new SekishoError('patient.pin-last-try');
    await verifyTextPin(exchange, digits);
  } finally {
    digits.fill(0);
  }
  return withTextSecureMessaging(exchange);
}
