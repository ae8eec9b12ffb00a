/** One change of the roster: for somebody new the card first; then what shall be, and the own card and PIN. */
import type { RosterChange, StaffCard } from '#contract/http/operator-routes.ts';
import type { OperatorRole } from '#contract/operator.ts';
import type { Actions } from '../actions.ts';
import { longDate } from '../dates.ts';
import { h, type ViewNode } from '../dom.ts';
import { t } from '../messages.ts';
import { ALL_ROLES, actionText, changeSentence, roleText, st } from '../staff-words.ts';
import type { StaffWish, State } from '../state.ts';
import { button, card, facts, field, heading, onSubmit, spinner } from './parts.ts';
import { cardAndPinForm, cardKindChoice } from './sign-in.ts';

export function staffChangeView(wish: StaffWish, state: State, actions: Actions): ViewNode {
  return card(
    'narrow',
    heading(wish.action === 'add' ? st('addTitle') : actionText(wish.action)),
    wish.action === 'add' && wish.card === undefined
      ? readCardForm(state, actions)
      : confirmation(wish, state, actions),
    button(st('back'), () => actions.staff.leave(), 'quiet'),
  );
}

function readCardForm(state: State, actions: Actions): ViewNode {
  return h(
    'form',
    {
      class: 'stack',
      key: 'read-card',
      onSubmit: onSubmit((values) => {
        void actions.staff.readCard(values.get('cardKind') === 'hpki' ? 'hpki' : 'my-number');
      }),
    },
    h('p', { class: 'lead' }, st('addLead')),
    cardKindChoice(),
    state.busy === 'staffCard'
      ? spinner(st('reading'))
      : h('button', { type: 'submit', class: 'button primary wide', key: 'submit' }, st('readCard')),
  );
}

function confirmation(wish: StaffWish, state: State, actions: Actions): ViewNode {
  const cardRead = wish.action === 'add' ? wish.card : undefined;
  if (cardRead?.listed !== undefined)
    return h('div', { class: 'stack' }, cardFacts(cardRead), h('p', { class: 'lead' }, st('alreadyListed')));
  const hasRoles = wish.action === 'add' || wish.action === 'change-roles';
  const isWithoutRole = state.staff.lacksRole;
  return h(
    'div',
    { class: 'stack', key: 'confirmation' },
    cardRead !== undefined && cardFacts(cardRead),
    wish.action !== 'add' && h('p', { class: 'lead' }, changeSentence(wish.action, wish.row.displayName)),
    isWithoutRole && h('p', { class: 'problem-title', role: 'alert' }, st('chooseRole')),
    cardAndPinForm(
      state,
      st('confirm'),
      (own, values) => {
        const change = changeOf(wish, values);
        if (change === undefined) actions.staff.askForRole();
        else void actions.staff.change(change, own);
      },
      [
        wish.action === 'add' &&
          field('displayName', st('name'), { props: { required: true, maxlength: 80 } }),
        hasRoles && roleChoice(wish.action === 'change-roles' ? wish.row.roles : []),
        h('h2', { key: 'own-card' }, st('confirmTitle')),
        h('p', { class: 'lead', key: 'own-card-lead' }, st('confirmLead')),
      ],
    ),
  );
}

function cardFacts({ operatorId, cardKind, healthcareRoles, notAfter, listed }: StaffCard): ViewNode {
  return h(
    'section',
    { 'aria-label': st('cardRead') },
    h('h2', {}, st('cardRead')),
    facts([
      [st('name'), listed?.displayName],
      [st('kind'), cardKind === 'hpki' ? t('cardHpki') : t('cardMyNumber')],
      [
        st('qualification'),
        cardKind === 'hpki' ? healthcareRoles.join(', ') || st('noQualification') : undefined,
      ],
      [st('validUntil'), longDate(notAfter)],
      [st('cardId'), operatorId],
    ]),
  );
}

function roleChoice(chosen: readonly OperatorRole[]): ViewNode {
  return h(
    'fieldset',
    { class: 'choices', key: 'roles' },
    h('legend', {}, st('roles')),
    ALL_ROLES.map((role) =>
      h(
        'label',
        { class: 'choice' },
        h('input', { type: 'checkbox', name: `role-${role}`, checked: chosen.includes(role) }),
        roleText(role),
      ),
    ),
  );
}

/** Undefined: no role was chosen. */
function changeOf(wish: StaffWish, values: ReadonlyMap<string, string>): RosterChange | undefined {
  const roles = ALL_ROLES.filter((role) => values.has(`role-${role}`));
  switch (wish.action) {
    case 'add': {
      const { operatorId = '' } = wish.card ?? {};
      const displayName = values.get('displayName') ?? '';
      return roles.length === 0 ? undefined : { action: 'add', operatorId, displayName, roles };
    }
    case 'change-roles': {
      const { operatorId } = wish.row;
      return roles.length === 0 ? undefined : { action: 'change-roles', operatorId, roles };
    }
    default:
      return { action: wish.action, operatorId: wish.row.operatorId };
  }
}
