/** Ready: one big button. And the case that another screen is at it. */
import type { Actions } from '../actions.ts';
import { h, type ViewNode } from '../dom.ts';
import { t } from '../messages.ts';
import type { State } from '../state.ts';
import { button, card, field, heading, onSubmit, spinner } from './parts.ts';

export function startView(state: State, actions: Actions): ViewNode {
  return card(
    'narrow start',
    heading(t('startTitle')),
    h('p', { class: 'lead' }, t('startLead')),
    h(
      'form',
      {
        class: 'stack',
        key: 'start',
        onSubmit: onSubmit((values) => {
          const verificationNumberB = values.get('verificationNumberB') ?? '';
          const attributesPin = values.get('attributesPin') ?? '';
          void actions.startTap({
            includeLimitInfo: values.has('includeLimitInfo'),
            ...(verificationNumberB === '' ? {} : { verificationNumberB }),
            ...(attributesPin === '' ? {} : { attributesPin }),
          });
        }),
      },
      state.busy === 'start'
        ? spinner(t('working'))
        : h('button', { type: 'submit', class: 'button primary huge', key: 'submit' }, t('start')),
      h(
        'label',
        { class: 'choice' },
        h('input', { type: 'checkbox', name: 'includeLimitInfo' }),
        t('includeLimitInfo'),
      ),
      field('verificationNumberB', t('verificationNumberB'), {
        hint: t('verificationHint'),
        props: { inputmode: 'numeric', pattern: '\\d{14}', maxlength: 14, 'data-secret': true },
      }),
      field('attributesPin', t('attributesPin'), {
        hint: t('attributesPinHint'),
        props: {
          type: 'password',
          inputmode: 'numeric',
          pattern: '\\d{4}',
          maxlength: 4,
          autocomplete: 'off',
          'data-secret': true,
        },
      }),
    ),
  );
}

export function otherTapView({ snapshot }: State, actions: Actions): ViewNode {
  const tapId = snapshot?.tap?.tapId;
  return card(
    'narrow',
    heading(t('otherTapTitle')),
    tapId !== undefined && button(t('otherTapCancel'), () => void actions.cancelTap(tapId), 'secondary'),
  );
}
