/** The counter page: state from the snapshot stream, actions to the API, views in between. */
import type { GatewaySnapshot } from '#contract/snapshot.ts';
import { createActions } from './actions.ts';
import { patch } from './dom.ts';
import { currentLanguage, type Language, setLanguage } from './language.ts';
import { t } from './messages.ts';
import { INITIAL_STATE, type State, viewOf } from './state.ts';
import { renderFrame } from './views/frame.ts';

const LANGUAGE_KEY = 'sekisho.language';

const root = document.getElementById('page');
if (root === null) throw new Error('index.html has no #page');
const page: HTMLElement = root;

let state: State = INITIAL_STATE;
let shownView = '';

const actions = createActions({ get: () => state, set: change });

function change(part: Partial<State>): void {
  state = { ...state, ...part };
  render();
  follow();
}

function render(): void {
  const view = viewOf(state);
  document.documentElement.lang = currentLanguage();
  document.title = `${t('title')} — 関所 Sekisho`;
  patch(page, [renderFrame(view, state, actions, switchLanguage)]);
  if (view !== shownView) {
    shownView = view;
    window.scrollTo(0, 0);
    page.querySelector<HTMLElement>('[data-focus]')?.focus();
  }
}

/** What the page does by itself when the state asks for it. */
function follow(): void {
  const { tap, snapshot, busy } = state;
  if (tap === undefined || snapshot?.tap?.tapId !== tap.tapId) return;
  if (snapshot.tap.state === 'faceCheck' && tap.images === undefined) {
    // An empty set marks the request as made; the real one replaces it.
    state = { ...state, tap: { ...tap, images: LOADING_IMAGES } };
    void actions.loadImages(tap.tapId);
  }
  if (snapshot.tap.state === 'done' && busy === undefined) void actions.loadVisitOfTap(tap.tapId);
}

const LOADING_IMAGES = { photo: '', name: '', address: '' } as const;

function switchLanguage(): void {
  const language: Language = currentLanguage() === 'ja' ? 'en' : 'ja';
  setLanguage(language);
  localStorage.setItem(LANGUAGE_KEY, language);
  render();
}

/** Each visit that comes, is sent or is settled changes one of these. */
function countsOf(snapshot: GatewaySnapshot | undefined): string {
  return `${snapshot?.outboxWaiting} ${snapshot?.unresolvedVisits}`;
}

/** The appliance is heard every 15 s: two of them may get lost. A cable that is pulled tells nobody. */
const SILENCE_MS = 40_000;

function listen(): void {
  const events = new EventSource('/v1/events');
  let silence: ReturnType<typeof setTimeout> | undefined;
  const heard = (): void => {
    clearTimeout(silence);
    silence = setTimeout(() => {
      events.close();
      change({ connection: 'lost' });
      listen();
    }, SILENCE_MS);
  };
  heard();
  events.addEventListener('alive', heard);
  events.addEventListener('snapshot', (event: MessageEvent<string>) => {
    heard();
    const snapshot = JSON.parse(event.data) as GatewaySnapshot;
    const { operator } = snapshot.facts;
    const hasMoved = state.connection !== 'live' || countsOf(snapshot) !== countsOf(state.snapshot);
    const isOurs = state.session?.operator.operatorId === operator?.operatorId;
    // A snapshot from before the sign-in may arrive after its answer: only a session that was seen is seen to end.
    const wasOurs = state.session?.operator.operatorId === state.snapshot?.facts.operator?.operatorId;
    const hasEnded = wasOurs && state.session !== undefined && !isOurs;
    if (hasEnded) actions.sessionEnded();
    change({ snapshot, connection: 'live' });
    if (hasMoved) void actions.refreshShown();
  });
  // The browser reconnects by itself; after a refusal it gives up, and then we start anew.
  events.addEventListener('error', () => {
    change({ connection: 'lost' });
    if (events.readyState !== EventSource.CLOSED) return;
    clearTimeout(silence);
    setTimeout(listen, 2_000);
  });
}

setLanguage(localStorage.getItem(LANGUAGE_KEY) === 'en' ? 'en' : 'ja');
render();
void actions.resume().then(listen);
