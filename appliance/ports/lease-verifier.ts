/** Who asks the anchor and believes it, as a port: in the product it is the SAM broker, which keeps the SAM open only by this. */

export type LeaseVerdict =
  /** The lease runs from the moment when the question was made. */
  | 'granted'
  /** Signed by the anchor, and a no. */
  | 'not-registered'
  | 'revoked'
  /** The nonce of an open question under another's signature: somebody stands in the anchor's place. */
  | 'wrong-key'
  /** Malformed, late, repeated, for somebody else: as if it had not come. */
  | 'ignored';

export interface LeaseAnswer {
  readonly verdict: LeaseVerdict;
  /** Time since the question was made, by the verifier's own monotonic clock. Of `ignored` it means nothing. */
  readonly ageMs: number;
}

/** @see docs/lease-protocol.md */
export interface LeaseVerifier {
  /** A new question, 192 bytes, to be sent to every anchor as it is. Rejects when the verifier is gone. */
  question(): Promise<Uint8Array>;
  /** Whatever datagram came back. */
  answer(datagram: Uint8Array): Promise<LeaseAnswer>;
}
