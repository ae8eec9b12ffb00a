/** The patient's screen: who asks, for what, and two big buttons. */
import type { Actions } from '../actions.ts';
import { h, type ViewNode } from '../dom.ts';
import { currentLanguage } from '../language.ts';
import { t } from '../messages.ts';
import type { State } from '../state.ts';
import { button, card, heading, spinner } from './parts.ts';

export function consentView({ tap, busy }: State, actions: Actions): ViewNode {
  const tapId = tap?.tapId ?? '';
  return card(
    'patient',
    heading(t('consentTitle')),
    h('p', { class: 'consent-text' }, tap?.consent[currentLanguage()] ?? ''),
    tap?.includeLimitInfo === true && h('p', { class: 'consent-text' }, t('consentLimit')),
    tap?.readsCardData === true && h('p', { class: 'consent-text' }, t('consentCardData')),
    busy === undefined
      ? h(
          'div',
          { class: 'consent-buttons', key: 'buttons' },
          button(t('consentOk'), () => void actions.decideConsent(tapId, 'ok'), 'good', {
            class: 'button good giant',
          }),
          button(t('consentRefuse'), () => void actions.decideConsent(tapId, 'refused'), 'secondary', {
            class: 'button secondary giant',
          }),
        )
      : spinner(t('working')),
  );
}
