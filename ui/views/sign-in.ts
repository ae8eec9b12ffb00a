/** Staff sign-in, and the form of card and PIN that the offline unlock uses too. */
import type { Actions } from '../actions.ts';
import type { CardAndPin } from '../api.ts';
import { h, type ViewNode } from '../dom.ts';
import { t } from '../messages.ts';
import { missingThing, type State } from '../state.ts';
import { leaseEndNote } from './lease.ts';
import { card, field, heading, onSubmit, spinner } from './parts.ts';
import { missingPanel } from './status.ts';

export function signInView(state: State, actions: Actions): ViewNode {
  const missing = missingThing(state.snapshot);
  const isOther = missing !== undefined && !missing.startsWith('operator.') && !missing.startsWith('sam.');
  return card(
    'narrow',
    heading(t('signInTitle')),
    isOther && missingPanel(missing),
    leaseEndNote(state.snapshot),
    h('p', { class: 'lead' }, t('signInLead')),
    cardAndPinForm(state, t('signIn'), (values) => void actions.signIn(values)),
  );
}

export function cardAndPinForm(state: State, label: string, submit: (card: CardAndPin) => void): ViewNode {
  const isLastTry = state.problem?.code === 'operator.pin-last-try';
  const isBusy = state.busy !== undefined;
  return h(
    'form',
    {
      class: 'stack',
      key: 'card-and-pin',
      onSubmit: onSubmit((values) =>
        submit({
          cardKind: values.get('cardKind') === 'hpki' ? 'hpki' : 'my-number',
          pin: values.get('pin') ?? '',
          acceptLastTry: values.has('acceptLastTry'),
        }),
      ),
    },
    cardKindChoice(),
    field('pin', t('pin'), {
      hint: `${t('cardMyNumber')}: ${t('pinHintMyNumber')} / ${t('cardHpki')}: ${t('pinHintHpki')}`,
      props: {
        type: 'password',
        class: 'pin',
        inputmode: 'numeric',
        autocomplete: 'off',
        required: true,
        minlength: 4,
        maxlength: 16,
        'data-secret': true,
      },
    }),
    isLastTry &&
      h(
        'label',
        { class: 'choice warn', key: 'last-try' },
        h('input', { type: 'checkbox', name: 'acceptLastTry', required: true }),
        t('acceptLastTry'),
      ),
    isBusy
      ? spinner(t('signingIn'))
      : h('button', { type: 'submit', class: 'button primary wide', key: 'submit' }, label),
  );
}

function cardKindChoice(): ViewNode {
  const kinds = [
    ['my-number', t('cardMyNumber')],
    ['hpki', t('cardHpki')],
  ] as const;
  return h(
    'fieldset',
    { class: 'choices' },
    h('legend', {}, t('cardKind')),
    kinds.map(([value, label], index) =>
      h(
        'label',
        { class: 'choice' },
        h('input', { type: 'radio', name: 'cardKind', value, checked: index === 0 }),
        label,
      ),
    ),
  );
}
