/** While the card is read: what to do with it, in large letters, and each step as it happens. */
import type { TapProgress } from '#contract/snapshot.ts';
import type { Actions } from '../actions.ts';
import { h, type ViewNode } from '../dom.ts';
import { stepText, type TextKey, t } from '../messages.ts';
import type { State } from '../state.ts';
import { button, card, heading } from './parts.ts';

export function readingView({ tap, snapshot }: State, actions: Actions): ViewNode {
  const progress = snapshot?.tap;
  const [title, note] = instruction(progress?.state);
  return card(
    'patient reading',
    picture(progress?.state === 'waitingForCard'),
    h('div', { role: 'status', class: 'instruction' }, heading(t(title)), h('p', { class: 'lead' }, t(note))),
    steps(progress?.steps ?? []),
    tap !== undefined && button(t('cancel'), () => void actions.cancelTap(tap.tapId), 'quiet'),
  );
}

function instruction(state: TapProgress['state'] | undefined): readonly [TextKey, TextKey] {
  if (state === 'reading') return ['reading', 'readingNote'];
  if (state === 'recording' || state === 'done') return ['recording', 'recordingNote'];
  return ['placeCard', 'placeCardNote'];
}

const LOOKS = {
  running: 'stepRunning',
  done: 'stepDone',
  failed: 'stepFailed',
  skipped: 'stepSkipped',
} as const;

export function steps(list: TapProgress['steps']): ViewNode {
  return h(
    'ol',
    { class: 'steps', 'aria-label': t('progress') },
    list.map(({ name, state, ms }) =>
      h(
        'li',
        { class: `step ${state}`, key: name },
        h('span', { class: 'step-name' }, stepText(name)),
        h('span', { class: 'step-state' }, t(LOOKS[state])),
        ms !== undefined && h('span', { class: 'step-time' }, `${Math.round(ms)} ms`),
      ),
    ),
  );
}

/** A card above a reader. */
function picture(isWaiting: boolean): ViewNode {
  return h(
    'svg',
    {
      class: isWaiting ? 'picture waiting' : 'picture',
      viewBox: '0 0 240 150',
      'aria-hidden': 'true',
      focusable: 'false',
    },
    h('rect', { x: 30, y: 88, width: 180, height: 50, rx: 14, class: 'reader-body' }),
    h('path', { d: 'M92 112a40 40 0 0 1 56 0M102 122a26 26 0 0 1 36 0', class: 'reader-waves' }),
    h(
      'g',
      { class: 'moving-card' },
      h('rect', { x: 62, y: 12, width: 116, height: 72, rx: 8, class: 'card-body' }),
      h('rect', { x: 136, y: 28, width: 30, height: 38, rx: 4, class: 'card-photo' }),
      h('path', { d: 'M74 32h48M74 46h40M74 60h28', class: 'card-lines' }),
    ),
  );
}
