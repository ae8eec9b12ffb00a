/** The SAM is locked: online with one button, or with the staff card when the centre is away. */
import type { Actions } from '../actions.ts';
import { h, type ViewNode } from '../dom.ts';
import { t } from '../messages.ts';
import type { State } from '../state.ts';
import { button, card, heading, spinner } from './parts.ts';
import { cardAndPinForm } from './sign-in.ts';

export function unlockView(state: State, actions: Actions): ViewNode {
  const isOffline = state.snapshot?.facts.centre.serviceProvider === false;
  return card(
    'narrow',
    heading(t('unlockTitle')),
    h('p', { class: 'lead' }, t('unlockLead')),
    state.busy === 'unlock' && !isOffline
      ? spinner(t('working'))
      : button(t('unlockOnline'), () => void actions.unlockOnline(), isOffline ? 'secondary' : 'primary', {
          class: `button ${isOffline ? 'secondary' : 'primary'} wide`,
        }),
    h(
      'details',
      { class: 'options', open: isOffline },
      h('summary', {}, t('unlockOffline')),
      h('p', { class: 'hint' }, t('unlockOfflineLead')),
      cardAndPinForm(state, t('unlockOffline'), (values) => void actions.unlockOffline(values)),
    ),
  );
}
