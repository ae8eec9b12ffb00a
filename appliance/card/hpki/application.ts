/** The HPKI card: one application for authentication, one for signing, with the same files. @see docs/protocol-facts.md 3.1; JAHIS 24-002 */
import { SekishoError } from '#contract/errors.ts';
import { fromHex } from '../bytes.ts';
import { computeSignature } from '../commands/compute-signature.ts';
import { readObjectFile } from '../commands/read-binary.ts';
import { selectApplication, selectFile } from '../commands/select-file.ts';
import { type PinState, queryPin } from '../commands/verify.ts';
import { encodeSha256DigestInfo } from '../der.ts';
import type { CardExchange } from '../exchange.ts';
import { OPERATOR_PIN_ERRORS, type PinRule, presentPin } from '../pin.ts';

export type HpkiApplication = 'authentication' | 'signing';

const AIDS: Readonly<Record<HpkiApplication, Uint8Array>> = {
  signing: fromHex('E828BD080FA000000391000000000001'),
  authentication: fromHex('E828BD080FA000000391000000000002'),
};

const FILE_CERTIFICATE = 0x0016;
const FILE_PRIVATE_KEY = 0x000c;
const SELECTED_KEY = 0x80;
const DER_SEQUENCE = 0x30;

/** PKCS#15 type utf8, 4 to 16 bytes; 15 wrong ones in a row block the card for good. */
const PIN_RULE: PinRule = {
  reference: 0x88,
  minBytes: 4,
  maxBytes: 16,
  allows: (byte) => byte >= 0x20 && byte <= 0x7e,
  errors: OPERATOR_PIN_ERRORS,
};

/** Selects one of the two applications; any card without it is not an HPKI card. */
export async function openHpki(exchange: CardExchange, application: HpkiApplication): Promise<void> {
  await selectApplication(exchange, AIDS[application], { answer: 'fci', absent: 'card.not-hpki-card' });
}

/** The certificate of the selected application, DER; free to read. */
export async function readHpkiCertificate(exchange: CardExchange): Promise<Uint8Array> {
  const der = await readObjectFile(exchange, { fileId: FILE_CERTIFICATE });
  if (der[0] !== DER_SEQUENCE) throw new SekishoError('card.protocol', { context: { layer: 'certificate' } });
  return der;
}

export function queryHpkiPin(exchange: CardExchange): Promise<PinState> {
  return queryPin(exchange, PIN_RULE.reference);
}

/** ASCII bytes; overwritten in every case. Rejects with `operator.pin-*`. */
export function verifyHpkiPin(exchange: CardExchange, pin: Uint8Array): Promise<void> {
  return presentPin(exchange, PIN_RULE, pin);
}

/** PKCS#1 v1.5 over a SHA-256 digest, after the PIN. */
export async function signHpkiDigest(exchange: CardExchange, digest: Uint8Array): Promise<Uint8Array> {
  await selectFile(exchange, FILE_PRIVATE_KEY);
  return computeSignature(exchange, SELECTED_KEY, 'rsa-pkcs1-block', encodeSha256DigestInfo(digest));
}
