/**
 * The proof that a card is present: its signature over the tap transcript (`docs/sam-profile.md` 4.6,
 * `docs/organisation-profile.md` "What the card signs").
 */
import { createHash, verify } from 'node:crypto';
import { keyKind } from '../pki/algorithm.ts';
import type { Certificate } from '../pki/certificate.ts';

const PREFIX = Buffer.from('SEKISHO-TAP-1', 'ascii');
const SAM_ID_BYTES = 8;
/** useCounter 4, tapId 16, consent digest 32, cardChallenge 8..32, ticks 8, tickNonce 16. */
const REST_BYTES = { min: 4 + 16 + 32 + 8 + 8 + 16, max: 4 + 16 + 32 + 32 + 8 + 16 };

export interface TapProof {
  /** How often the SAM used the organisation key, this tap included; no two taps of a SAM have the same. */
  readonly useCounter: number;
}

/**
 * What `transcript` proves when `signature` is the card's over it and it was made with the SAM `samId`; else undefined.
 * Without the form check, any signature that the card ever made for another service would do.
 */
export function verifyTapProof(
  certificate: Certificate,
  transcript: Buffer,
  signature: Uint8Array,
  samId: string,
): TapProof | undefined {
  const head = Buffer.concat([PREFIX, Buffer.from(samId, 'hex')]);
  const restBytes = transcript.length - PREFIX.length - SAM_ID_BYTES;
  if (restBytes < REST_BYTES.min || restBytes > REST_BYTES.max) return undefined;
  if (!transcript.subarray(0, head.length).equals(head)) return undefined;
  if (!isSignedByCard(certificate, transcript, signature)) return undefined;
  return { useCounter: transcript.readUInt32BE(head.length) };
}

function isSignedByCard(certificate: Certificate, transcript: Buffer, signature: Uint8Array): boolean {
  const key = certificate.publicKey;
  switch (keyKind(key)) {
    case 'rsa-2048':
      return verify('sha256', transcript, key, signature);
    case 'p-384': {
      const tapChallenge = createHash('sha256').update(transcript).digest();
      return verify('sha384', tapChallenge, { key, dsaEncoding: 'ieee-p1363' }, signature);
    }
    default:
      return false;
  }
}
