/** Joins the evidence verifier with the RFC 3161 verifier: the two rooms do not know each other. */
import type { VerificationReport } from '#evidence/report.ts';
import type { TimeStampVerifier } from '#evidence/time-stamp.ts';
import { verifyEvidenceFile } from '#evidence/verify-file.ts';
import { verifyTimeStampToken } from '#trust/tsp.ts';

/** What the auditor trusts, PEM. Without one, the report says that this part was not checked. */
export interface TrustAnchors {
  readonly deviceCaPem?: string | undefined;
  readonly timeStampCaPem?: string | undefined;
}

export const verifyTimeStamp: TimeStampVerifier = async ({ token, digest, untrusted, anchorsPem }) => {
  try {
    return verifyTimeStampToken(token, digest, { anchors: [anchorsPem], intermediates: untrusted });
  } catch {
    // Every reason to doubt the token is the same flaw; the report names its entry.
    return undefined;
  }
};

/** `intervalsOf`: entries whose proven time is wanted; every visit when absent. Rejects with `evidence.export-invalid` when the file cannot be read. */
export function verifyEvidence(
  file: string,
  anchors: TrustAnchors = {},
  intervalsOf?: readonly number[],
): Promise<VerificationReport> {
  const { deviceCaPem, timeStampCaPem } = anchors;
  return verifyEvidenceFile(file, {
    ...(intervalsOf !== undefined && { intervalsOf }),
    ...(deviceCaPem !== undefined && { deviceCaPem }),
    ...(timeStampCaPem !== undefined && {
      timeStamps: { anchorsPem: timeStampCaPem, verify: verifyTimeStamp },
    }),
  });
}
