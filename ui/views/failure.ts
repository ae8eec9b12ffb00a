/** A tap that ended without a visit: what happened, what to do, and the button for it. */
import { ERRORS } from '#contract/errors.ts';
import type { Actions } from '../actions.ts';
import { h, type ViewNode } from '../dom.ts';
import { t } from '../messages.ts';
import type { State } from '../state.ts';
import { button, card, heading } from './parts.ts';
import { missingPanel } from './status.ts';

export function failureView({ tap, snapshot }: State, actions: Actions): ViewNode {
  const error = snapshot?.tap?.error ?? 'internal.bug';
  const again = (kind: 'primary' | 'secondary'): ViewNode =>
    button(
      t('tryAgain'),
      () => void actions.startTap({ includeLimitInfo: tap?.includeLimitInfo ?? false }),
      kind,
    );
  const number = (kind: 'primary' | 'secondary'): ViewNode =>
    button(t('useNumber'), () => actions.show('number'), kind);
  const isForNumber =
    snapshot?.facts.reader === 'faulted' ||
    ERRORS[error].then === 'use-insured-number' ||
    ERRORS[error].then === 'ask-patient';
  return card(
    'narrow failure',
    heading(t('failedTitle')),
    missingPanel(error),
    h(
      'div',
      { class: 'pair' },
      isForNumber ? number('primary') : again('primary'),
      isForNumber ? again('secondary') : number('secondary'),
    ),
    button(t('toStart'), () => actions.finish(), 'quiet'),
  );
}
