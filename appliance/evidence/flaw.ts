/** Why an export does not verify. */
import type { ChainBreak } from './chain.ts';

export type FlawReason =
  | ChainBreak
  /** Not a line of this format, or cut. */
  | 'line-malformed'
  /** A line where its kind may not stand. */
  | 'line-out-of-order'
  /** The export ends early, or its last line names another head. */
  | 'end-wrong'
  | 'record-not-canonical'
  | 'record-malformed'
  | 'certificate-malformed'
  | 'device-certificate-untrusted'
  | 'device-certificate-out-of-date'
  | 'stamp-malformed'
  /** The SAM stamped something else. */
  | 'stamp-of-other-entry'
  | 'stamp-signature-wrong'
  | 'ticks-went-back'
  | 'tick-nonce-returned'
  /** A tick was said to be longer or shorter than before, within one power-up. */
  | 'tick-period-changed'
  | 'use-counter-went-back'
  | 'tap-challenge-wrong'
  /** One use of the organisation key stands behind two visits. */
  | 'tap-repeated'
  | 'consent-missing'
  | 'anchor-stamp-wrong'
  | 'time-stamp-wrong';

/** Ends a verification; never leaves this room. */
export class Flaw extends Error {
  readonly reason: FlawReason;

  constructor(reason: FlawReason) {
    super(reason);
    this.reason = reason;
  }
}
