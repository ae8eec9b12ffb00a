/** RFC 3161 as the verifier needs it; the library stays outside this room. */

export interface TimeStampQuestion {
  /** The token, DER. */
  readonly token: Uint8Array;
  /** SHA-256 that the token must be over. */
  readonly digest: Uint8Array;
  /** Certificates that the export carries: material for the path, not trusted by themselves. */
  readonly untrusted: readonly Uint8Array[];
  /** The verifier's own trust anchors. */
  readonly anchorsPem: string;
}

export interface ProvenTime {
  readonly genTimeMs: number;
  /** TSTInfo.accuracy; 0 when the authority states none. */
  readonly accuracyMs: number;
}

/** Answers when signature, imprint, path and the critical timeStamping EKU are right; undefined when not. */
export type TimeStampVerifier = (question: TimeStampQuestion) => Promise<ProvenTime | undefined>;
