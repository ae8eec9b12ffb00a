/** Uses of the organisation key for each person, so that no restart gives one back. Old ones are deleted. */
import { type Database, prepare, prepareTransaction } from './database.ts';

interface PersonUse {
  readonly person: string;
  readonly atMs: number;
}

export interface PersonUseShelf {
  /** Oldest first. */
  personUses(): readonly PersonUse[];
  /** Durable when it returns; throws `store.*`. */
  recordPersonUse(use: PersonUse, forgetBeforeMs: number): void;
}

export function createPersonUseShelf(database: Database): PersonUseShelf {
  const all = prepare<[], PersonUse>(
    database,
    'SELECT person, at_ms AS atMs FROM person_use ORDER BY position',
  );
  const put = prepare<[string, number]>(database, 'INSERT INTO person_use (person, at_ms) VALUES (?, ?)');
  const forget = prepare<[number]>(database, 'DELETE FROM person_use WHERE at_ms <= ?');
  const inTransaction = prepareTransaction(database);
  return {
    personUses: () => all.all(),
    recordPersonUse({ person, atMs }, forgetBeforeMs) {
      inTransaction(() => {
        forget.run(forgetBeforeMs);
        put.run(person, atMs);
      });
    },
  };
}
