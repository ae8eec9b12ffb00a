/** The last known eligibility answer of each card, for the day without a line. */
import type { EligibilityAnswer } from '#contract/centre/eligibility.ts';
import type { StoreEffect, VisitQueries } from '#evidence/ledger.ts';
import { type Database, prepare } from './database.ts';
import { type SealedColumn, type Sealer, sealJson, unsealJson } from './sealer.ts';

export interface EligibilityTable {
  remember(effect: Extract<StoreEffect, { do: 'remember-eligibility' }>): void;
  last: VisitQueries['lastEligibility'];
}

interface EligibilityRow {
  readonly card_id: string;
  readonly checked_at_ms: number;
  readonly sealed_answer: Uint8Array;
}

const place = (cardId: string): string => `eligibility/${cardId}/answer`;

export const ELIGIBILITY_ANSWER: SealedColumn = {
  table: 'eligibility',
  column: 'sealed_answer',
  key: ['card_id'],
  place: (cardId = '') => place(cardId),
};

export function createEligibilityTable(database: Database, sealer: Sealer): EligibilityTable {
  const put = prepare<[string, number, Uint8Array]>(
    database,
    `INSERT INTO eligibility (card_id, checked_at_ms, sealed_answer) VALUES (?, ?, ?)
     ON CONFLICT (card_id) DO UPDATE SET checked_at_ms = excluded.checked_at_ms, sealed_answer = excluded.sealed_answer`,
  );
  // A renewed card, or the other ID of the same card, is the same patient.
  const newest = prepare<[string], EligibilityRow>(
    database,
    `WITH asked (card_id) AS (VALUES (?))
     SELECT card_id, checked_at_ms, sealed_answer FROM eligibility WHERE card_id IN (
       SELECT card_id FROM asked UNION
       SELECT other.card_id FROM asked JOIN card AS mine USING (card_id) JOIN card AS other USING (patient_id))
     ORDER BY checked_at_ms DESC LIMIT 1`,
  );
  return {
    remember({ cardId, checkedAtMs, answer }) {
      put.run(cardId, checkedAtMs, sealJson(sealer, answer, place(cardId)));
    },
    last(cardId) {
      const row = newest.get(cardId);
      if (row === undefined) return undefined;
      const answer = unsealJson<EligibilityAnswer>(sealer, row.sealed_answer, place(row.card_id));
      return { answer, checkedAtMs: row.checked_at_ms };
    },
  };
}
