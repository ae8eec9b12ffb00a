/** What surrounds every view: mark, screens, mode, operator, language, and the state of the parts. */
import { ERRORS, type ErrorCode } from '#contract/errors.ts';
import type { GatewaySnapshot } from '#contract/snapshot.ts';
import type { Actions } from '../actions.ts';
import { h, type ViewNode } from '../dom.ts';
import { currentLanguage } from '../language.ts';
import { t } from '../messages.ts';
import { pt } from '../permit-words.ts';
import { st } from '../staff-words.ts';
import { isAdministrator, isForPatient, readerFault, type State, type Tab, type ViewName } from '../state.ts';
import { accessLogView } from './access-log.ts';
import { carryOutStrip, carryOutView } from './carry-out.ts';
import { consentView } from './consent.ts';
import { faceCheckView } from './face-check.ts';
import { failureView } from './failure.ts';
import { insuredNumberView } from './insured-number.ts';
import { leaseEndTitle, leaseSince } from './lease.ts';
import { modeText } from './mode.ts';
import { button, card, heading, problemPanel, spinner } from './parts.ts';
import { readingView } from './reading.ts';
import { resultView } from './result.ts';
import { signInView } from './sign-in.ts';
import { staffView } from './staff.ts';
import { otherTapView, startView } from './start.ts';
import { statusView } from './status.ts';
import { todayView } from './today.ts';
import { unlockView } from './unlock.ts';
import { unresolvedView } from './unresolved.ts';

type View = (state: State, actions: Actions) => ViewNode;

const VIEWS: Readonly<Record<ViewName, View>> = {
  connecting: () => card('centred', heading(t('title')), spinner(t('connecting'))),
  hidden: () => card('centred', heading(t('hiddenTitle')), spinner(t('hiddenLead'))),
  'sign-in': signInView,
  status: statusView,
  unlock: unlockView,
  start: startView,
  'other-tap': otherTapView,
  consent: consentView,
  reading: readingView,
  'face-check': faceCheckView,
  failure: failureView,
  result: resultView,
  number: insuredNumberView,
  today: todayView,
  unresolved: unresolvedView,
  'carry-out': carryOutView,
  staff: staffView,
  'access-log': accessLogView,
};

export function renderFrame(
  view: ViewName,
  state: State,
  actions: Actions,
  switchLanguage: () => void,
): ViewNode {
  const { snapshot, problem, connection } = state;
  return h(
    'div',
    { class: isForPatient(view) ? 'frame for-patient' : 'frame' },
    h('a', { class: 'skip', href: '#main' }, t('skip')),
    topBar(view, state, actions, switchLanguage),
    (connection === 'lost' || connection === 'unsure') &&
      h('p', { class: 'strip lost', role: 'alert' }, t('connectionLost')),
    snapshot !== undefined && carryOutStrip(snapshot),
    isKnown(state) && state.snapshot.mode !== 'online' && modeStrip(state.snapshot.mode),
    isKnown(state) && !isReaderNamed(view, state.snapshot) && readerStrip(readerFault(state.snapshot)),
    h(
      'main',
      { id: 'main', key: view },
      problem !== undefined && problemPanel(problem, actions),
      VIEWS[view](state, actions),
    ),
    isKnown(state) && systemState(state.snapshot),
  );
}

/** Without a line to the appliance, what was last heard of it is not how it is. */
function isKnown(state: State): state is State & { snapshot: GatewaySnapshot } {
  return state.snapshot !== undefined && state.connection !== 'lost';
}

/** These views name the first missing thing themselves. */
function isReaderNamed(view: ViewName, { missing }: GatewaySnapshot): boolean {
  return (view === 'sign-in' || view === 'status') && missing?.startsWith('reader.') === true;
}

function readerStrip(fault: ErrorCode | undefined): ViewNode | false {
  if (fault === undefined) return false;
  const { title, next } = ERRORS[fault][currentLanguage()];
  return h('p', { class: 'strip lost', role: 'alert' }, `${title} ${next}`);
}

function modeStrip(mode: 'degraded' | 'offline'): ViewNode {
  const note = mode === 'offline' ? t('modeOfflineNote') : t('modeDegradedNote');
  return h('p', { class: `strip ${mode}`, role: 'status' }, note);
}

function topBar(view: ViewName, state: State, actions: Actions, switchLanguage: () => void): ViewNode {
  const { session } = state;
  return h(
    'header',
    { class: 'top' },
    h(
      'span',
      { class: 'mark' },
      gate(),
      h('span', { lang: 'ja' }, '関所'),
      h('small', { lang: 'en' }, 'Sekisho'),
    ),
    session !== undefined && !isForPatient(view) && screens(state, actions),
    h(
      'div',
      { class: 'top-end' },
      isKnown(state) && h('span', { class: `mode ${state.snapshot.mode}` }, modeText(state.snapshot.mode)),
      session !== undefined && h('span', { class: 'operator' }, session.operator.displayName),
      session !== undefined &&
        !isForPatient(view) &&
        button(t('signOut'), () => actions.signOut(), 'quiet', { class: 'button quiet small' }),
      button(t('otherLanguage'), switchLanguage, 'quiet', {
        class: 'button quiet small',
        lang: t('otherLanguage') === 'English' ? 'en' : 'ja',
      }),
    ),
  );
}

function screens(state: State, actions: Actions): ViewNode {
  const { unresolvedVisits = 0 } = state.snapshot ?? {};
  const tabs: readonly (readonly [Tab, string])[] = [
    ['reception', t('tabReception')],
    ['number', t('tabNumber')],
    ['today', t('tabToday')],
    ['unresolved', t('tabUnresolved')],
    ...(isAdministrator(state.session) ? staffTabs() : []),
  ];
  return h(
    'nav',
    { 'aria-label': t('menu') },
    tabs.map(([tab, label]) =>
      h(
        'button',
        {
          type: 'button',
          class: 'tab',
          'aria-current': state.tab === tab ? 'page' : undefined,
          onClick: () => actions.show(tab),
        },
        label,
        tab === 'unresolved' &&
          unresolvedVisits > 0 &&
          h('span', { class: 'badge' }, String(unresolvedVisits)),
      ),
    ),
  );
}

const staffTabs = (): readonly (readonly [Tab, string])[] => [
  ['carry-out', pt('tab')],
  ['staff', st('tabStaff')],
  ['access-log', st('tabLog')],
];

/** The gate of a checkpoint. */
function gate(): ViewNode {
  return h(
    'svg',
    { viewBox: '0 0 32 32', 'aria-hidden': 'true', focusable: 'false' },
    h('rect', { width: 32, height: 32, rx: 8, class: 'gate-ground' }),
    h('path', { d: 'M5 9.5h22M7.5 14h17M10 9.5V26M22 9.5V26', class: 'gate-beams' }),
  );
}

function systemState(snapshot: GatewaySnapshot): ViewNode {
  const { facts, outboxWaiting } = snapshot;
  const { revocationLists, ...services } = facts.centre;
  const centreUp = Object.values(services).filter(Boolean).length;
  const rows: readonly (readonly [label: string, value: string, state: 'good' | 'warn' | 'bad'])[] = [
    facts.reader === 'ready' ? [t('factReader'), t('ok'), 'good'] : [t('factReader'), t('faulted'), 'bad'],
    [
      t('factSam'),
      samText(facts),
      facts.sam === 'unlocked' ? 'good' : facts.sam === 'locked' ? 'warn' : 'bad',
    ],
    [
      t('factNetwork'),
      `${networkText(facts)}${leaseSince(snapshot)}`,
      facts.network === 'registered' || facts.permit === 'carryOut' ? 'good' : 'bad',
    ],
    [t('factCentre'), t('centreUp', { n: centreUp }), centreUp === 4 ? 'good' : 'warn'],
  ];
  return h(
    'footer',
    { class: 'system', 'aria-label': t('systemState') },
    rows.map(([label, value, look]) =>
      h(
        'span',
        { class: `part ${look}`, title: label === t('factNetwork') ? leaseEndTitle(snapshot) : undefined },
        h('span', { class: 'part-label' }, label),
        ` ${value}`,
      ),
    ),
    !revocationLists && h('span', { class: 'part warn' }, t('listsOld')),
    outboxWaiting > 0 && h('span', { class: 'part warn' }, t('queued', { n: outboxWaiting })),
  );
}

function samText({ sam, samUnlock, samUsesLeft }: GatewaySnapshot['facts']): string {
  if (sam === 'unlocked')
    return t(samUnlock === 'offline' ? 'unlockedOffline' : 'unlockedOnline', { n: samUsesLeft });
  return t(sam);
}

function networkText({ network, permit }: GatewaySnapshot['facts']): string {
  return permit === 'carryOut' && network !== 'registered' ? t('carryOut') : t(network);
}
