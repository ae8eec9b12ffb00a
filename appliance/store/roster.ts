/** The last roster that the SP signed, so that operators keep their names and roles through a day without a line. */
import { RosterAnswer } from '#contract/centre/service-provider.ts';
import { type Database, prepare } from './database.ts';

export interface RosterShelf {
  roster(): RosterAnswer | undefined;
  /** An older version than the kept one is ignored. */
  rememberRoster(roster: RosterAnswer): void;
}

export function createRosterShelf(database: Database): RosterShelf {
  const put = prepare<[number, string]>(
    database,
    `INSERT INTO roster (only, version, answer) VALUES (1, ?, ?)
     ON CONFLICT (only) DO UPDATE SET version = excluded.version, answer = excluded.answer
     WHERE excluded.version >= version`,
  );
  const get = prepare<[], { answer: string }>(database, 'SELECT answer FROM roster');
  return {
    roster() {
      const row = get.get();
      return row && RosterAnswer.parse(JSON.parse(row.answer));
    },
    rememberRoster(roster) {
      put.run(roster.version, JSON.stringify(roster));
    },
  };
}
