/** A whole chain at once, for tests. */
import { type ChainBreak, type ClaimedEntry, createChainCheck } from '../chain.ts';
import type { EvidenceReceipt } from '../ledger.ts';

export type ChainVerdict =
  | { readonly ok: true; readonly head: EvidenceReceipt | undefined }
  /** `position` counts from 1 and is the number that the entry should have. */
  | { readonly ok: false; readonly position: number; readonly reason: ChainBreak };

export function verifyChain(entries: Iterable<ClaimedEntry>): ChainVerdict {
  const check = createChainCheck();
  for (const entry of entries) {
    const reason = check.accept(entry);
    if (reason !== undefined) return { ok: false, position: (check.head()?.seq ?? 0) + 1, reason };
  }
  return { ok: true, head: check.head() };
}
