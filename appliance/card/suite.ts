/**
 * The two algorithm suites. Which one a card speaks comes from the card (token info), never from a constant.
 * @see docs/organisation-profile.md
 */

export type Suite = 'rsa-2048-sha256' | 'p384-sha384';

export interface SuiteFacts {
  /** The number in SAM and card messages. */
  readonly number: 1 | 2;
  readonly hash: 'sha256' | 'sha384';
  readonly digestBytes: number;
  /** PKCS#1 v1.5, or ECDSA raw r ‖ s. */
  readonly signatureBytes: number;
}

export const SUITES: Readonly<Record<Suite, SuiteFacts>> = {
  'rsa-2048-sha256': { number: 1, hash: 'sha256', digestBytes: 32, signatureBytes: 256 },
  'p384-sha384': { number: 2, hash: 'sha384', digestBytes: 48, signatureBytes: 96 },
};
