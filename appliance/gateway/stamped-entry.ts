/** Evidence with the SAM's tick stamp, as long as there is a SAM: its failure must not cost the entry. */
import { toSekishoError } from '#contract/errors.ts';
import type { EvidenceReceipt, StoreEffect } from '#evidence/ledger.ts';
import type { EvidenceRecord } from '#evidence/record.ts';
import type { GatewayParts } from './parts.ts';

/** Durable when it resolves. Rejects with `store.*`, and then nothing was written. */
export async function appendStamped(
  parts: Pick<GatewayParts, 'ledger' | 'samAccess' | 'logger'>,
  record: EvidenceRecord,
  effects: (receipt: EvidenceReceipt) => readonly StoreEffect[] = () => [],
): Promise<EvidenceReceipt> {
  const { ledger, samAccess, logger } = parts;
  if (samAccess.current !== undefined) {
    try {
      // The SAM of the moment when the entry's turn comes: it may have been powered anew by then.
      return await ledger.append(record, {
        stamp: (digest) => samAccess.require().tickStamp(digest),
        effects,
      });
    } catch (thrown) {
      const { code } = toSekishoError(thrown);
      if (!code.startsWith('sam.')) throw thrown;
      logger.warn('evidence.unstamped', { kind: record.kind, code });
    }
  }
  return ledger.append(record, { effects });
}
