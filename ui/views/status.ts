/** Why no tap can start: the first missing thing and its next step. */
import { ERRORS, type ErrorCode } from '#contract/errors.ts';
import type { Actions } from '../actions.ts';
import { h, type ViewNode } from '../dom.ts';
import { currentLanguage } from '../language.ts';
import { t } from '../messages.ts';
import { missingThing, type State } from '../state.ts';
import { leaseEndNote } from './lease.ts';
import { button, card, heading, nextButton } from './parts.ts';

export function statusView({ snapshot }: State, actions: Actions): ViewNode {
  const missing = missingThing(snapshot) ?? 'internal.bug';
  return card(
    'narrow',
    heading(t('statusTitle')),
    missingPanel(missing),
    leaseEndNote(snapshot),
    nextButton(ERRORS[missing].then, actions),
    snapshot?.facts.reader === 'faulted' && button(t('useNumber'), () => actions.show('number'), 'secondary'),
  );
}

export function missingPanel(missing: ErrorCode): ViewNode {
  const { title, next } = ERRORS[missing][currentLanguage()];
  return h(
    'div',
    { class: 'missing', role: 'status', key: `missing-${missing}` },
    h('p', { class: 'problem-title' }, title),
    h('p', { class: 'problem-next' }, next),
  );
}
