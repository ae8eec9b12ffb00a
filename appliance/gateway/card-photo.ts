/** The photo, name and address that the card itself carries, as pictures a browser shows. */
import type { KeyObject } from 'node:crypto';
import { signChallenge, verifyChallenge } from '#card/card-presence.ts';
import type { CardExchange } from '#card/exchange.ts';
import { openFace, readFace, readFaceCertificate, verifyFaceNumberB } from '#card/face/application.ts';
import { type Face, verifyFace } from '#card/face/face.ts';
import { decodePhoto } from '#card/face/photo.ts';
import { SekishoError } from '#contract/errors.ts';
import type { BrowserImage } from './face.ts';

export interface CardPhoto {
  readonly photo: BrowserImage;
  readonly name: BrowserImage;
  readonly address: BrowserImage;
}

/** A face, and the signature by which the card showed that it is its own. */
export interface PresentFace {
  readonly face: Face;
  readonly signature: Uint8Array;
}

/**
 * Opens the card-face application with 照合番号B (14 ASCII digits, overwritten) and reads the pictures, which the
 * issuer signed: a photo that `rootKey` does not vouch for is nobody's photo, and one whose key does not answer
 * `challenge` is a copy (both `card.not-genuine`).
 * Rejects `patient.security-code-*` and `card.*`. Selecting this application ends the JPKI session: call it last.
 */
export async function readCardFace(
  exchange: CardExchange,
  numberB: Uint8Array,
  rootKey: KeyObject,
  challenge: Uint8Array,
): Promise<PresentFace> {
  await openFace(exchange);
  await verifyFaceNumberB(exchange, numberB);
  const face = await readFace(exchange);
  const certificate = await readFaceCertificate(exchange);
  const signing = signChallenge(exchange, challenge);
  // While the card signs.
  const isVouchedFor = verifyFace(face, certificate, rootKey);
  const signature = await signing;
  requireGenuine(isVouchedFor, 'card face');
  requireGenuine(verifyChallenge(face.publicKey, challenge, signature), 'card face key');
  return { face, signature };
}

function requireGenuine(isGenuine: boolean, what: string): void {
  if (!isGenuine) throw new SekishoError('card.not-genuine', { context: { what } });
}

/** Takes the processor for some milliseconds: call it when the card has been let go. */
export async function showCardFace(face: Face): Promise<CardPhoto> {
  return {
    photo: png(await decodePhoto(face.photoJp2)),
    name: png(face.namePng),
    address: png(face.addressPng),
  };
}

function png(bytes: Uint8Array): BrowserImage {
  return { mediaType: 'image/png', bytes };
}
