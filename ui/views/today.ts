/** The visits of today, newest first. */
import type { Visit } from '#contract/visit.ts';
import type { Actions } from '../actions.ts';
import { clockTime } from '../dates.ts';
import { h, type ViewNode } from '../dom.ts';
import { type TextKey, t } from '../messages.ts';
import type { State } from '../state.ts';
import { modeText } from './mode.ts';
import { button, card, heading, spinner, table } from './parts.ts';
import { recordText, VALIDITIES } from './result.ts';

export function todayView({ visits }: State, actions: Actions): ViewNode {
  return card(
    'wide',
    heading(t('todayTitle')),
    visits === undefined && spinner(t('working')),
    visits?.length === 0 && h('p', { class: 'lead' }, t('todayEmpty')),
    visits !== undefined &&
      visits.length > 0 &&
      table(
        t('todayTitle'),
        COLUMNS,
        visits.map((visit) => row(visit, actions)),
      ),
  );
}

const COLUMNS: readonly TextKey[] = [
  'time',
  'patientNumber',
  'eligibility',
  'result',
  'mode',
  'visitRecord',
  'details',
];

const OUTCOMES = { accepted: 'outcomeAccepted', refused: 'outcomeRefused', failed: 'outcomeFailed' } as const;

function row(visit: Visit, actions: Actions): ViewNode {
  const [validity, look] = VALIDITIES[visit.eligibility.validity];
  const time = clockTime(visit.at);
  return h(
    'tr',
    { key: visit.visitId },
    h('th', { scope: 'row' }, time),
    h('td', {}, visit.patientNumber ?? h('span', { class: 'pale' }, t('unlinked'))),
    h('td', {}, h('span', { class: `tag ${look}` }, t(validity))),
    h('td', {}, t(OUTCOMES[visit.outcome])),
    h('td', {}, modeText(visit.mode)),
    h('td', {}, recordText(visit.visitRecord)),
    h(
      'td',
      {},
      button(t('openVisit'), () => void actions.openVisit(visit.visitId), 'quiet', {
        class: 'button quiet small',
        'aria-label': `${time} ${t('openVisit')}`,
      }),
    ),
  );
}
