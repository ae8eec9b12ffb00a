/** The issuer's keys behind the applications of one card, from the published pool unless given. */
import type { KeyObject } from 'node:crypto';
import { testRsaKey } from '../keys/test-keys.ts';
import { keyId, makeCvCertificate } from './cv-certificate.ts';

/** Who signs the records of the text and card-face applications. */
export interface CardSigner {
  readonly privateKey: KeyObject;
  /** Its 568-byte CV certificate, readable on the card (EF 0004). */
  readonly certificate: Uint8Array;
}

/** Keys that every test card carries besides the holder's own. */
export const CARD_KEYS = {
  internalAuthentication: () => testRsaKey(24),
  sessionKey: () => testRsaKey(26),
};

/** Keys with which the text and card-face applications of one card prove that it is there. */
export interface PresenceKeys {
  readonly text: KeyObject;
  readonly cardFace: KeyObject;
}

/** For a card that is the only one of its kind. */
export function sharedPresenceKeys(): PresenceKeys {
  return { text: testRsaKey(25), cardFace: testRsaKey(27) };
}

const FIRST_PRESENCE_KEY = 32;

/** Different keys for card number `index` (0–11), as real cards have. */
export function presenceKeysOf(index: number): PresenceKeys {
  const first = FIRST_PRESENCE_KEY + 2 * index;
  return { text: testRsaKey(first), cardFace: testRsaKey(first + 1) };
}

/** The root over the signers of card faces (x000023). */
export function testFaceRoot(): KeyObject {
  return testRsaKey(31);
}

/** The root over the signers of text applications (x000033): another one, as on real cards. */
export function testTextRoot(): KeyObject {
  return testRsaKey(30);
}

function testSigner(poolIndex: number, hierarchy: string, issuerKey: KeyObject): CardSigner {
  const privateKey = testRsaKey(poolIndex);
  const certificate = makeCvCertificate({
    issuerKey,
    issuerKeyId: keyId(hierarchy),
    subjectKeyId: keyId('6999999'),
    subjectKey: privateKey,
  });
  return { privateKey, certificate };
}

export function testTextSigner(): CardSigner {
  return testSigner(28, '6000033', testTextRoot());
}

export function testCardFaceSigner(): CardSigner {
  return testSigner(29, '6000023', testFaceRoot());
}
