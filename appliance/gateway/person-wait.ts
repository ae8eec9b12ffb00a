/** What a person locked opens at a person's word: not because the place is good again, nor because this program started anew. */
import type { VisitQueries } from '#evidence/ledger.ts';

export class PersonWait {
  readonly #queries: Pick<VisitQueries, 'lastSamLock'>;
  /** The lock that a person has asked to end, whatever came of it. */
  #askedToEnd: number | undefined;

  constructor(queries: Pick<VisitQueries, 'lastSamLock'>) {
    this.#queries = queries;
  }

  get isOn(): boolean {
    const lock = this.#queries.lastSamLock();
    return lock?.waitsForPerson === true && lock.entry !== this.#askedToEnd;
  }

  personAsked(): void {
    this.#askedToEnd = this.#queries.lastSamLock()?.entry;
  }
}
