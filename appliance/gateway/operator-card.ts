/** The two kinds of operator card behind one face; only this file knows how they differ. */
import { createHash } from 'node:crypto';
import type { PinState } from '#card/commands/verify.ts';
import type { CardExchange } from '#card/exchange.ts';
import {
  openHpki,
  queryHpkiPin,
  readHpkiCertificate,
  signHpkiDigest,
  verifyHpkiPin,
} from '#card/hpki/application.ts';
import { openJpki } from '#card/jpki/application.ts';
import { readJpkiCertificate } from '#card/jpki/certificates.ts';
import { queryJpkiPin, verifyJpkiPin } from '#card/jpki/pin.ts';
import { signJpkiDigest } from '#card/jpki/signature.ts';
import { readTokenInfo } from '#card/jpki/token-info.ts';

export interface OperatorCard {
  readCertificate(): Promise<Uint8Array>;
  /** Tries left without spending one; 0 = blocked; undefined = the card does not count. */
  pinTriesLeft(): Promise<number | undefined>;
  /** Overwrites `pin`. Rejects `operator.pin-wrong`, `operator.pin-blocked`, `operator.pin-malformed`. */
  verifyPin(pin: Uint8Array): Promise<void>;
  /** Signature over `message`: RSA PKCS#1 v1.5 SHA-256, or raw ECDSA P-384/SHA-384, by the kind of card. */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

export async function openOperatorCard(
  exchange: CardExchange,
  kind: 'hpki' | 'my-number',
): Promise<OperatorCard> {
  return kind === 'hpki' ? openHpkiCard(exchange) : openMyNumberCard(exchange);
}

async function openMyNumberCard(exchange: CardExchange): Promise<OperatorCard> {
  await openJpki(exchange);
  const { suite } = await readTokenInfo(exchange);
  const hash = suite === 'rsa-2048-sha256' ? 'sha256' : 'sha384';
  return {
    readCertificate: () => readJpkiCertificate(exchange, 'authentication'),
    pinTriesLeft: async () => triesOf(await queryJpkiPin(exchange, 'authentication')),
    verifyPin: (pin) => verifyJpkiPin(exchange, 'authentication', pin),
    sign: (message) =>
      signJpkiDigest(exchange, 'authentication', suite, createHash(hash).update(message).digest()),
  };
}

async function openHpkiCard(exchange: CardExchange): Promise<OperatorCard> {
  await openHpki(exchange, 'authentication');
  return {
    readCertificate: () => readHpkiCertificate(exchange),
    pinTriesLeft: async () => triesOf(await queryHpkiPin(exchange)),
    verifyPin: (pin) => verifyHpkiPin(exchange, pin),
    sign: (message) => signHpkiDigest(exchange, createHash('sha256').update(message).digest()),
  };
}

function triesOf(pin: PinState): number | undefined {
  if (pin.state === 'blocked') return 0;
  return pin.state === 'tries' ? pin.left : undefined;
}
