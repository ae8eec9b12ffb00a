/** Staff sign-in, and the form of card and PIN that the offline unlock uses too. */
import type { Actions } from '../actions.ts';
import type { CardAndPin } from '../api.ts';
import { type Child, h, type ViewNode } from '../dom.ts';
import { digitsEnteredText, enterPinOnKeysText, leavePinEmptyText } from '../keypad-words.ts';
import { t } from '../messages.ts';
import { isUnlockable, missingThing, type State } from '../state.ts';
import { leaseEndNote } from './lease.ts';
import { card, field, heading, onSubmit, spinner } from './parts.ts';
import { missingPanel } from './status.ts';

export function signInView(state: State, actions: Actions): ViewNode {
  const missing = missingThing(state.snapshot);
  const isOther = missing !== undefined && !missing.startsWith('operator.') && !isUnlockable(missing);
  return card(
    'narrow',
    heading(t('signInTitle')),
    isOther && missingPanel(missing),
    leaseEndNote(state.snapshot),
    h('p', { class: 'lead' }, t('signInLead')),
    cardAndPinForm(state, t('signIn'), (values) => void actions.signIn(values)),
  );
}

/** `before`: further fields, above the card's; their values come as the second argument. */
export function cardAndPinForm(
  state: State,
  label: string,
  submit: (card: CardAndPin, values: ReadonlyMap<string, string>) => void,
  before: readonly Child[] = [],
): ViewNode {
  const isLastTry = state.problem?.code === 'operator.pin-last-try';
  const isBusy = state.busy !== undefined;
  const hasKeys = state.snapshot?.panel?.state === 'ready';
  const hint = `${t('cardMyNumber')}: ${t('pinHintMyNumber')} / ${t('cardHpki')}: ${t('pinHintHpki')}`;
  return h(
    'form',
    {
      class: 'stack',
      key: 'card-and-pin',
      onSubmit: onSubmit((values) => {
        const pin = values.get('pin') ?? '';
        const own: CardAndPin = {
          cardKind: values.get('cardKind') === 'hpki' ? 'hpki' : 'my-number',
          ...(pin === '' ? {} : { pin }),
          acceptLastTry: values.has('acceptLastTry'),
        };
        submit(own, values);
      }),
    },
    ...before,
    cardKindChoice(),
    field('pin', t('pin'), {
      hint: hasKeys ? `${hint} ${leavePinEmptyText()}` : hint,
      props: {
        type: 'password',
        class: 'pin',
        inputmode: 'numeric',
        autocomplete: 'off',
        required: !hasKeys,
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
      ? waiting(state)
      : h('button', { type: 'submit', class: 'button primary wide', key: 'submit' }, label),
  );
}

/** While the keys of the box are asked, how much they have given: the digits themselves never come here. */
function waiting(state: State): ViewNode {
  const count = state.snapshot?.panel?.pinDigits;
  if (count === undefined) return spinner(t('signingIn'));
  return h(
    'div',
    { key: 'panel-entry', role: 'status' },
    spinner(enterPinOnKeysText()),
    h('p', { class: 'pin' }, digitsEnteredText(count)),
  );
}

export function cardKindChoice(): ViewNode {
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
