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

/**
 * True when `signature` is the card's over `transcript` and the transcript was made with the SAM `samId`.
 * Without the form check, any signature that the card ever made for another service would do.
 */
export function verifyTapProof(
  certificate: Certificate,
  transcript: Buffer,
  signature: Uint8Array,
  samId: string,
): boolean {
  const head = Buffer.concat([PREFIX, Buffer.from(samId, 'hex')]);
  const restBytes = transcript.length - PREFIX.length - SAM_ID_BYTES;
  if (restBytes < REST_BYTES.min || restBytes > REST_BYTES.max) return false;
  if (!transcript.subarray(0, head.length).equals(head)) return false;
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
