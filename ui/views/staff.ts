/** The roster, for administrators: who may work here, and a button for each change. */
import type { RosterRow } from '#contract/http/operator-routes.ts';
import type { Actions } from '../actions.ts';
import { h, type ViewNode } from '../dom.ts';
import { t } from '../messages.ts';
import { actionText, rolesText, st } from '../staff-words.ts';
import type { State } from '../state.ts';
import { button, card, heading, labelledTable, spinner } from './parts.ts';
import { staffChangeView } from './staff-change.ts';

export function staffView(state: State, actions: Actions): ViewNode {
  const { roster, staffWish } = state.staff;
  if (staffWish !== undefined) return staffChangeView(staffWish, state, actions);
  return card(
    'wide',
    heading(st('staffTitle')),
    h('p', { class: 'lead' }, st('staffLead')),
    state.staff.isDone && h('p', { class: 'lead', role: 'status' }, st('done')),
    roster === undefined
      ? spinner(t('working'))
      : labelledTable(
          st('staffTitle'),
          [st('name'), st('roles'), st('kind'), st('state'), st('changes')],
          roster.operators.map((row) => staffRow(row, state, actions)),
        ),
    roster !== undefined && button(st('addTitle'), () => actions.staff.begin({ action: 'add' })),
  );
}

function staffRow(row: RosterRow, { session }: State, actions: Actions): ViewNode {
  const isYou = row.operatorId === session?.operator.operatorId;
  const change = (action: 'suspend' | 'reinstate' | 'remove' | 'change-roles'): ViewNode =>
    button(actionText(action), () => actions.staff.begin({ action, row }), 'quiet', {
      class: 'button quiet small',
      'aria-label': `${row.displayName} ${actionText(action)}`,
    });
  return h(
    'tr',
    { key: row.operatorId },
    h('th', { scope: 'row' }, row.displayName, isYou && ` ${st('you')}`),
    h('td', {}, rolesText(row.roles)),
    h('td', {}, row.cardKind === 'hpki' ? t('cardHpki') : t('cardMyNumber')),
    h(
      'td',
      {},
      h(
        'span',
        { class: `tag ${row.suspended ? 'warn' : 'good'}` },
        st(row.suspended ? 'suspended' : 'active'),
      ),
    ),
    h('td', {}, change('change-roles'), change(row.suspended ? 'reinstate' : 'suspend'), change('remove')),
  );
}
