/**
 * Internal authentication (内部認証) of the text and card-face applications: a key of the card's own signs a challenge
 * without any PIN. Copied files are then not enough; the card itself has to be in the field.
 * @see docs/protocol-facts.md 1.9
 */
import { createHash, type KeyObject, verify } from 'node:crypto';
import { computeSignature } from './commands/compute-signature.ts';
import { encodeSha256DigestInfo } from './der.ts';
import type { CardExchange } from './exchange.ts';

/** P2 that names the selected application's own key. */
const OWN_KEY = 0x00;

/** PKCS#1 v1.5 over the SHA-256 of `challenge`, by the key of the selected application; 256 bytes. */
export function signChallenge(exchange: CardExchange, challenge: Uint8Array): Promise<Uint8Array> {
  const digest = createHash('sha256').update(challenge).digest();
  return computeSignature(exchange, OWN_KEY, 'rsa-pkcs1-block', encodeSha256DigestInfo(digest));
}

/** `publicKey` must stand under a signature of the issuer, otherwise it is whoever's key. */
export function verifyChallenge(publicKey: KeyObject, challenge: Uint8Array, signature: Uint8Array): boolean {
  return verify('sha256', challenge, publicKey, signature);
}
