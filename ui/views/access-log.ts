/** Who asked for what on one day, for administrators. */
import { ERRORS } from '#contract/errors.ts';
import type { AccessList } from '#contract/http/access-log-routes.ts';
import type { Actions } from '../actions.ts';
import { clockTime, dayOf } from '../dates.ts';
import { h, type ViewNode } from '../dom.ts';
import { currentLanguage } from '../language.ts';
import { t } from '../messages.ts';
import { screenText, st } from '../staff-words.ts';
import type { State } from '../state.ts';
import { card, field, heading, labelledTable, onSubmit, spinner } from './parts.ts';

type Entry = AccessList['entries'][number];

export function accessLogView({ staff, busy }: State, actions: Actions): ViewNode {
  const { log } = staff;
  return card(
    'wide',
    heading(st('logTitle')),
    h('p', { class: 'lead' }, st('logLead')),
    h(
      'form',
      {
        class: 'stack',
        key: 'day',
        onSubmit: onSubmit((values) => void actions.staff.showLog(values.get('day') ?? '')),
      },
      field('day', st('day'), {
        props: { type: 'date', required: true, value: log?.day ?? dayOf(new Date()) },
      }),
      h('button', { type: 'submit', class: 'button secondary', key: 'submit' }, st('show')),
    ),
    log === undefined && busy !== undefined && spinner(t('working')),
    log?.entries.length === 0 && h('p', { class: 'lead' }, st('logEmpty')),
    log !== undefined &&
      log.entries.length > 0 &&
      labelledTable(
        st('logTitle'),
        [st('time'), st('who'), st('screen'), st('what'), st('subject'), st('outcome')],
        log.entries.toReversed().map(logRow),
      ),
  );
}

function logRow({ seq, at, operatorId, displayName, screen, what, subject, error }: Entry): ViewNode {
  return h(
    'tr',
    { key: String(seq) },
    h('th', { scope: 'row' }, clockTime(at)),
    h('td', {}, displayName ?? operatorId ?? st('nobody')),
    h('td', {}, screenText(screen)),
    h('td', {}, what[currentLanguage()]),
    h('td', {}, subject),
    h('td', {}, error === undefined ? st('accepted') : ERRORS[error][currentLanguage()].title),
  );
}
