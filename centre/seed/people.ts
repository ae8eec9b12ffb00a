/** The fictitious population of a region, the same for the same day. */
import { draftPerson } from './draft.ts';
import { edgeCasePerson } from './edge-case.ts';
import { Person } from './person.ts';

export interface PeopleOptions {
  /** The day the region is for, YYYYMMDD; ages and certificate ends are counted from it. */
  readonly asOf: string;
  /** Default 1,000. */
  readonly count?: number;
}

/** P0001, P0002, …: the documented edge cases first, then ordinary people. */
export function createPeople({ asOf, count = 1_000 }: PeopleOptions): Person[] {
  return Array.from({ length: count }, (_, index) =>
    Person.parse(edgeCasePerson(index + 1, asOf) ?? draftPerson(index + 1, asOf).person),
  );
}
