/**
 * COMPUTE DIGITAL SIGNATURE: what P1 makes of the data.
 * P1 00–05 are measured on My Number cards, P1 06 is our assumption for the next generation.
 * @see docs/organisation-profile.md
 */
import type { KeyObject } from 'node:crypto';
import type { Random } from '#ports/random.ts';
import { refuse, SW } from '../command.ts';
import { sha256 } from '../crypto/hash.ts';
import { digestInfo, signP384, signPkcs1, signPss } from '../crypto/signing.ts';
import type { Operation } from '../virtual-card.ts';

interface SignatureMode {
  readonly accepts: (lengthBytes: number) => boolean;
  readonly operation: Operation;
  readonly sign: (key: KeyObject, data: Uint8Array, random: Random) => Uint8Array;
}

const isMessage = (length: number): boolean => length >= 1 && length <= 255;
/** PKCS#1 v1.5 needs 11 bytes of a 256-byte block. */
const isPayload = (length: number): boolean => length >= 1 && length <= 245;
const isSha256 = (length: number): boolean => length === 32;

function rsa(accepts: SignatureMode['accepts'], sign: SignatureMode['sign']): SignatureMode {
  return { accepts, operation: 'rsa-2048-private', sign };
}

const MODES: ReadonlyMap<number, SignatureMode> = new Map([
  [0, rsa(isPayload, (key, data) => signPkcs1(key, data))],
  [1, rsa(isMessage, (key, data) => signPkcs1(key, sha256(data)))],
  [2, rsa(isSha256, (key, data) => signPkcs1(key, digestInfo(data)))],
  [3, rsa(isMessage, (key, data) => signPkcs1(key, digestInfo(sha256(data))))],
  [4, rsa(isSha256, (key, data, random) => signPss(key, data, random))],
  [5, rsa(isMessage, (key, data, random) => signPss(key, sha256(data), random))],
  [6, { accepts: (length) => length === 48, operation: 'p-384-sign', sign: signP384 }],
]);

export const RSA_MODES: readonly number[] = [0, 1, 2, 3, 4, 5];
export const P384_MODES: readonly number[] = [6];

/** The mode of `p1` for a key that takes `allowed`; refuses with the card's status words. */
export function signatureMode(p1: number, allowed: readonly number[], lengthBytes: number): SignatureMode {
  const mode = allowed.includes(p1) ? MODES.get(p1) : undefined;
  if (mode === undefined) return refuse(SW.wrongP1P2);
  if (!mode.accepts(lengthBytes)) refuse(SW.wrongLength);
  return mode;
}
