/** The photo, name and address that the card itself carries, as pictures a browser shows. */
import type { CardExchange } from '#card/exchange.ts';
import { openFace, readFace, verifyFaceNumberB } from '#card/face/application.ts';
import type { Face } from '#card/face/face.ts';
import { decodePhoto } from '#card/face/photo.ts';
import type { BrowserImage } from './face.ts';

export interface CardPhoto {
  readonly photo: BrowserImage;
  readonly name: BrowserImage;
  readonly address: BrowserImage;
}

/**
 * Opens the card-face application with 照合番号B (14 ASCII digits, overwritten) and reads the pictures.
 * Rejects `patient.security-code-*` and `card.*`. Selecting this application ends the JPKI session: call it last.
 */
export async function readCardFace(exchange: CardExchange, numberB: Uint8Array): Promise<Face> {
  await openFace(exchange);
  await verifyFaceNumberB(exchange, numberB);
  return readFace(exchange);
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
