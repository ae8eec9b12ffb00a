/**
 * A tap proof opens the data of one person once. Who reads an old one from a wire, a log or a stolen appliance gets nothing
 * new: a SAM's use counter never goes back, so only a higher one than the last is a new tap, and all before it, asked or
 * not, are void. The very same question again (its answer was lost on the way) gets the very same answer.
 * One row for each SAM, whatever the number of taps.
 */
import { createHash } from 'node:crypto';
import type { CentreDatabase } from '../database.ts';

export interface TapQuestion {
  /** 16 hex digits. */
  readonly samId: string;
  readonly useCounter: number;
  /** The question as it came, byte by byte. */
  readonly body: Uint8Array;
}

export interface ProofMemory {
  /** The answer that `make` gives to a new tap, or gave to this very question; undefined when the proof was used up. */
  answerOnce(question: TapQuestion, make: () => string): string | undefined;
}

interface Row {
  readonly use_counter: number;
  readonly question_digest: Uint8Array;
  readonly answer: string;
}

export function createProofMemory(database: CentreDatabase): ProofMemory {
  return {
    answerOnce: ({ samId, useCounter, body }, make) =>
      database.transaction(() => {
        const digest = createHash('sha256').update(body).digest();
        const last = database.get<Row>('SELECT * FROM last_tap_proof WHERE sam_id = ?', samId);
        if (last !== undefined && useCounter <= last.use_counter) {
          const isSame = useCounter === last.use_counter && digest.equals(last.question_digest);
          return isSame ? last.answer : undefined;
        }
        const answer = make();
        database.run(
          `INSERT INTO last_tap_proof VALUES (?, ?, ?, ?)
           ON CONFLICT (sam_id) DO UPDATE SET use_counter = excluded.use_counter,
             question_digest = excluded.question_digest, answer = excluded.answer`,
          samId,
          useCounter,
          digest,
          answer,
        );
        return answer;
      }),
  };
}
