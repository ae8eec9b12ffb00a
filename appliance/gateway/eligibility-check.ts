/** Health insurance: now from the centre, otherwise the last known state, always with what changed. */
import type { EligibilityAnswer, Qualification } from '#contract/centre/eligibility.ts';
import type { ErrorCode } from '#contract/errors.ts';
import { toSekishoError } from '#contract/errors.ts';
import type { EligibilityValidity, EligibilityView } from '#contract/visit.ts';

export type LastKnown = { readonly answer: EligibilityAnswer; readonly checkedAtMs: number } | undefined;

/** What became of one question to the centre. */
export type AskedEligibility =
  | { readonly answer: EligibilityAnswer; readonly checkedAtMs: number }
  | { readonly unavailable: ErrorCode };

const VALIDITY: Record<EligibilityAnswer['QualificationValidity'], EligibilityValidity> = {
  '1': 'valid',
  '2': 'invalid',
  '3': 'invalid-newer-exists',
  '4': 'none',
  '5': 'several',
  '6': 'unregistered',
};

function instant(ms: number): string {
  return new Date(ms).toISOString();
}

/** Official element names whose value differs between two answers; results are matched by position. */
export function listChanges(before: EligibilityAnswer | undefined, after: EligibilityAnswer): string[] {
  if (before === undefined) return [];
  const changed = new Set<string>();
  if (before.QualificationValidity !== after.QualificationValidity) changed.add('QualificationValidity');
  if (before.ResultList.length !== after.ResultList.length) changed.add('ResultList');
  const blank: Partial<Qualification> = {};
  after.ResultList.forEach((result, index) => {
    const was = before.ResultList[index] ?? blank;
    const names = new Set([...Object.keys(result), ...Object.keys(was)]) as Set<keyof Qualification>;
    for (const name of names) {
      if (JSON.stringify(was[name]) !== JSON.stringify(result[name])) changed.add(name);
    }
  });
  return [...changed].sort();
}

/** Asks through `ask`; not getting an answer is an answer too. Never rejects. */
export async function askEligibility(
  ask: () => Promise<EligibilityAnswer>,
  nowMs: () => number,
): Promise<AskedEligibility> {
  try {
    return { answer: await ask(), checkedAtMs: nowMs() };
  } catch (thrown) {
    return { unavailable: toSekishoError(thrown).code };
  }
}

/** What the counter is shown: the fresh answer with its changes, or the last known state and why it is not fresh. */
export function viewEligibility(asked: AskedEligibility, known: LastKnown): EligibilityView {
  if ('answer' in asked) {
    return {
      validity: VALIDITY[asked.answer.QualificationValidity],
      source: 'now',
      checkedAt: instant(asked.checkedAtMs),
      results: asked.answer.ResultList,
      changes: listChanges(known?.answer, asked.answer),
    };
  }
  const reason = asked.unavailable;
  if (known === undefined) return { validity: 'unknown', source: 'none', reason, results: [], changes: [] };
  return {
    validity: VALIDITY[known.answer.QualificationValidity],
    source: 'last-known',
    checkedAt: instant(known.checkedAtMs),
    reason,
    results: known.answer.ResultList,
    changes: [],
  };
}
