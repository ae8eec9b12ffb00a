/** Signatures by the two keys of the JPKI application, over a digest made by the caller. @see docs/protocol-facts.md 1.4 */
import { computeSignature, type SignatureAlgorithm } from '../commands/compute-signature.ts';
import type { CardExchange } from '../exchange.ts';
import type { Suite } from '../suite.ts';
import { JPKI_FILE, shortReference } from './application.ts';

export type JpkiKey = 'authentication' | 'signing';

const REFERENCES: Readonly<Record<JpkiKey, number>> = {
  authentication: shortReference(JPKI_FILE.authenticationKey),
  signing: shortReference(JPKI_FILE.signingKey),
};

const DIGEST_ALGORITHMS: Readonly<Record<Suite, SignatureAlgorithm>> = {
  'rsa-2048-sha256': 'rsa-pkcs1-sha256-digest',
  'p384-sha384': 'ecdsa-p384-sha384-digest',
};

/** PKCS#1 v1.5 over a SHA-256 digest, or raw ECDSA over a SHA-384 digest, by the suite of the card. */
export function signJpkiDigest(
  exchange: CardExchange,
  key: JpkiKey,
  suite: Suite,
  digest: Uint8Array,
): Promise<Uint8Array> {
  return computeSignature(exchange, REFERENCES[key], DIGEST_ALGORITHMS[suite], digest);
}
