/** What each effect of an append does to the tables; runs inside the append's transaction. */
import type { StoreEffect } from '#evidence/ledger.ts';
import type { DataKeyTable } from './data-keys.ts';
import type { EligibilityTable } from './eligibility.ts';
import type { OutboxTable } from './outbox.ts';
import type { PatientTable } from './patients.ts';
import type { QuestionTable } from './questions.ts';
import type { SamLockTable } from './sam-lock.ts';
import type { UnlockRefusalTable } from './unlock-refusal.ts';
import type { VisitTable } from './visits.ts';

export interface EffectTables {
  readonly visits: VisitTable;
  readonly outbox: OutboxTable;
  readonly eligibility: EligibilityTable;
  readonly patients: PatientTable;
  readonly questions: QuestionTable;
  readonly unlockRefusal: UnlockRefusalTable;
  readonly samLock: SamLockTable;
  readonly dataKeys: Pick<DataKeyTable, 'nameLetterbox'>;
}

type EffectMap = { readonly [Effect in StoreEffect as Effect['do']]: (effect: Effect) => void };

export function createEffectRunner(tables: EffectTables): (effect: StoreEffect) => void {
  const run: EffectMap = {
    'put-visit': ({ visit }) => tables.visits.put(visit),
    'enqueue-visit-record': ({ record }) => tables.outbox.enqueue(record),
    'remember-eligibility': (effect) => tables.eligibility.remember(effect),
    'link-patient': (effect) => tables.patients.link(effect),
    'open-question': (effect) => tables.questions.open(effect),
    'close-question': ({ visitId, question, visit }) => {
      tables.questions.close(visitId, question);
      tables.visits.put(visit);
    },
    'remember-unlock-refusal': ({ atMs }) => tables.unlockRefusal.put(atMs),
    'name-letterbox': ({ entry }) => tables.dataKeys.nameLetterbox(entry),
    'forget-unlock-refusal': () => tables.unlockRefusal.clear(),
    'remember-sam-lock': ({ lock }) => tables.samLock.put(lock),
    'lift-sam-lock': () => tables.samLock.lift(),
  };
  // The map has a function for the very type that `do` names; TypeScript cannot follow the pairing.
  return (effect) => (run[effect.do] as (effect: StoreEffect) => void)(effect);
}
