/**
 * The challenge that ties one use of the organisation key, one tap and one card signature together,
 * made again from the fields of the evidence.
 * @see docs/sam-profile.md §4.6
 */
import { hash } from 'node:crypto';
import type { CardProof, Hex } from './record.ts';

export type TapChallengeFields = Pick<
  CardProof,
  'samId' | 'useCounter' | 'tapId' | 'consentDigest' | 'cardChallenge' | 'ticks' | 'tickNonce'
>;

/** The message whose SHA-256 is tapChallenge; the card's signature verifies over these bytes. */
export function tapMessage(fields: TapChallengeFields): Buffer {
  const useCounter = Buffer.alloc(4);
  useCounter.writeUInt32BE(fields.useCounter);
  const ticks = Buffer.alloc(8);
  ticks.writeBigUInt64BE(BigInt(fields.ticks));
  return Buffer.concat([
    Buffer.from('SEKISHO-TAP-1', 'ascii'),
    Buffer.from(fields.samId, 'hex'),
    useCounter,
    Buffer.from(fields.tapId.replaceAll('-', ''), 'hex'),
    Buffer.from(fields.consentDigest, 'hex'),
    Buffer.from(fields.cardChallenge, 'hex'),
    ticks,
    Buffer.from(fields.tickNonce, 'hex'),
  ]);
}

export function tapChallenge(fields: TapChallengeFields): Hex {
  return hash('sha256', tapMessage(fields), 'hex');
}
