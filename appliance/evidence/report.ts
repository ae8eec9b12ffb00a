/** What a verification found, as data and in plain words. */
import type { PlacedFlaw } from './entry-judge.ts';
import type { EvidenceReceipt } from './ledger.ts';
import type { ProvenInterval } from './time-proof.ts';

export interface VerificationReport {
  readonly ok: boolean;
  /** Entries whose chain, stamp and content are right (all of them when `ok`). */
  readonly entries: number;
  /** Compare with what others know: the visit-history service holds seq and hash of every visit. */
  readonly head: EvidenceReceipt | undefined;
  /** `line` counts from 1; `seq` is the entry that it stands for. */
  readonly firstProblem?: PlacedFlaw;
  readonly stampsVerified: number;
  /** Visits by card that the SAM did not stamp: it was pulled before the end, or somebody removed the stamp. */
  readonly visitsUnstamped: number;
  readonly proofsVerified: number;
  readonly anchorsVerified: number;
  /** `not-checked`: no CA was given, so the keys in the export vouch for themselves only. */
  readonly deviceCertificates: 'trusted' | 'not-checked';
  readonly timeStamps: 'trusted' | 'not-checked';
  /** Of every visit, or of the entries that were asked for; in chain order. */
  readonly provenIntervals: readonly ProvenInterval[];
}

/** The report as a person reads it, line by line. */
export function describeReport(report: VerificationReport): readonly string[] {
  const { firstProblem, head } = report;
  return [
    firstProblem === undefined
      ? 'The evidence is intact.'
      : `BROKEN at entry ${firstProblem.seq} (line ${firstProblem.line}): ${firstProblem.reason}`,
    `entries            ${report.entries}`,
    `head               ${head === undefined ? 'none' : `${head.seq} ${head.hash}`}`,
    `stamps by the SAM  ${report.stampsVerified} right, ${report.entries - report.stampsVerified} entries without`,
    `visits unstamped   ${report.visitsUnstamped}`,
    `card proofs        ${report.proofsVerified} right`,
    `time anchors       ${report.anchorsVerified} right`,
    `device CA          ${report.deviceCertificates === 'trusted' ? 'trusted' : 'NOT CHECKED (no CA given)'}`,
    `time-stamp CA      ${report.timeStamps === 'trusted' ? 'trusted' : 'NOT CHECKED (no CA given)'}`,
    `visits with time   ${report.provenIntervals.filter(isBounded).length} of ${report.provenIntervals.length}`,
  ];
}

function isBounded({ notBeforeMs, notAfterMs }: ProvenInterval): boolean {
  return notBeforeMs !== undefined && notAfterMs !== undefined;
}
