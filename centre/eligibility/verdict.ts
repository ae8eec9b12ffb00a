/** Which of the six validities a set of qualifications has on a day. Pure. */
import type { QualificationValidity } from '#contract/centre/eligibility.ts';
import type { StoredQualification } from './store.ts';

export interface Verdict {
  readonly validity: QualificationValidity;
  readonly results: readonly StoredQualification[];
}

/** In force from the day it was acquired to the day before it was lost. `today` is YYYYMMDD. */
function isInForce({ qualification }: StoredQualification, today: string): boolean {
  const { QualificationDate: from, DisqualificationDate: until } = qualification;
  return from <= today && (until === undefined || today < until);
}

const one = (result: StoredQualification): Verdict => ({
  validity: result.unregistered ? '6' : '1',
  results: [result],
});

/** Asked with a card: everything that the person has. */
export function judgePerson(all: readonly StoredQualification[], today: string): Verdict {
  const inForce = all.filter((record) => isInForce(record, today));
  const [first] = inForce;
  if (first !== undefined) return inForce.length === 1 ? one(first) : { validity: '5', results: inForce };
  const last = [...all].sort((a, b) => lostOn(a).localeCompare(lostOn(b))).at(-1);
  return last === undefined ? { validity: '4', results: [] } : { validity: '2', results: [last] };
}

const lostOn = ({ qualification }: StoredQualification): string => qualification.DisqualificationDate ?? '';

/** Asked with a number: the matches, and what the same person may have elsewhere by now. */
export function judgeMatches(
  matches: readonly StoredQualification[],
  qualificationsOf: (personId: string) => readonly StoredQualification[],
  today: string,
): Verdict {
  const inForce = matches.filter((record) => isInForce(record, today));
  const [first] = inForce;
  if (first !== undefined) return inForce.length === 1 ? one(first) : { validity: '5', results: inForce };
  const lost = matches.at(-1);
  if (lost === undefined) return { validity: '4', results: [] };
  const hasNewer = qualificationsOf(lost.personId).some((record) => isInForce(record, today));
  return { validity: hasNewer ? '3' : '2', results: [lost] };
}
