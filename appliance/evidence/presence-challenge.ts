/**
 * The challenge that ties another application of the card to the authentication of this tap. It contains the signature
 * that the authentication key has just made, so nobody can know it before, and an auditor makes it again from the proof.
 * @see docs/evidence-format.md §8
 */
import type { CardProof } from './record.ts';

const DOMAINS = { face: 'SEKISHO-FACE-1', text: 'SEKISHO-TEXT-1' } as const;

/** ASCII domain ‖ tapChallenge (32 bytes) ‖ cardSignature; the application signs the SHA-256 of it. */
export function presenceChallenge(
  application: keyof typeof DOMAINS,
  { tapChallenge, cardSignature }: Pick<CardProof, 'tapChallenge' | 'cardSignature'>,
): Buffer {
  return Buffer.concat([
    Buffer.from(DOMAINS[application], 'ascii'),
    Buffer.from(tapChallenge, 'hex'),
    Buffer.from(cardSignature, 'hex'),
  ]);
}
