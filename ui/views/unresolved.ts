/** Visits with something open: how old, why, and the button that tries now. */
import { ERRORS } from '#contract/errors.ts';
import type { UnresolvedVisit } from '#contract/visit.ts';
import type { Actions } from '../actions.ts';
import { ageText, dateAndTime } from '../dates.ts';
import { h, type ViewNode } from '../dom.ts';
import { currentLanguage } from '../language.ts';
import { type TextKey, t } from '../messages.ts';
import type { State } from '../state.ts';
import { button, card, heading, spinner, table } from './parts.ts';
import { openText } from './result.ts';

export function unresolvedView(state: State, actions: Actions): ViewNode {
  const { unresolved } = state;
  return card(
    'wide',
    heading(t('unresolvedTitle')),
    h('p', { class: 'lead' }, t(unresolved?.length === 0 ? 'unresolvedEmpty' : 'unresolvedLead')),
    unresolved === undefined && spinner(t('working')),
    unresolved !== undefined &&
      unresolved.length > 0 &&
      table(
        t('unresolvedTitle'),
        COLUMNS,
        unresolved.map((visit) => row(visit, state, actions)),
      ),
  );
}

const COLUMNS: readonly TextKey[] = [
  'time',
  'age',
  'patientNumber',
  'open',
  'reason',
  'attempts',
  'whatNext',
];

function row(visit: UnresolvedVisit, { busy }: State, actions: Actions): ViewNode {
  const time = dateAndTime(visit.at);
  // Nobody but a person knows the number, so trying again would change nothing.
  const isForPerson = visit.open.every((question) => question === 'patient-number');
  const label = t(isForPerson ? 'linkNow' : 'reconcile');
  return h(
    'tr',
    { key: visit.visitId },
    h('th', { scope: 'row' }, time),
    h(
      'td',
      {},
      h('span', { class: visit.ageSeconds >= 86_400 ? 'tag bad' : 'tag warn' }, ageText(visit.ageSeconds)),
    ),
    h('td', {}, visit.patientNumber ?? h('span', { class: 'pale' }, t('unlinked'))),
    h(
      'td',
      {},
      visit.open.map(openText).join('、'),
      visit.hasInsuredNumber && h('span', { class: 'pale' }, `（${t('numberKeptShort')}）`),
    ),
    h('td', {}, ERRORS[visit.reason][currentLanguage()].title),
    h('td', { class: 'number' }, String(visit.attempts)),
    h(
      'td',
      {},
      button(label, () => void actions[isForPerson ? 'openVisit' : 'reconcile'](visit.visitId), 'secondary', {
        class: 'button secondary small',
        disabled: busy !== undefined,
        'aria-label': `${time} ${label}`,
      }),
    ),
  );
}
