/** What the page knows, and which view follows from it. The view is derived, never stored. */
import type { ErrorCode } from '#contract/errors.ts';
import type { AccessList } from '#contract/http/access-log-routes.ts';
import type { Session } from '#contract/http/messages.ts';
import type { Roster, RosterRow, StaffCard } from '#contract/http/operator-routes.ts';
import type { GatewaySnapshot, TapProgress } from '#contract/snapshot.ts';
import type { TapResult, UnresolvedVisit, Visit } from '#contract/visit.ts';
import type { PageProblem } from './api.ts';

export type Tab = 'reception' | 'number' | 'today' | 'unresolved' | 'carry-out' | 'staff' | 'access-log';

/** A change of the roster that is being made. */
export type StaffWish =
  | { readonly action: 'add'; readonly card?: StaffCard }
  | { readonly action: 'suspend' | 'reinstate' | 'remove' | 'change-roles'; readonly row: RosterRow };

/** What administrators look at. */
export interface StaffState {
  readonly roster: Roster | undefined;
  readonly staffWish: StaffWish | undefined;
  readonly isDone: boolean;
  readonly lacksRole: boolean;
  readonly log: (AccessList & { readonly day: string }) | undefined;
}

export const NO_STAFF: StaffState = {
  roster: undefined,
  staffWish: undefined,
  isDone: false,
  lacksRole: false,
  log: undefined,
};

export interface CardImages {
  readonly photo: string;
  readonly name: string;
  readonly address: string;
}

/** The tap that this screen started. */
export interface OwnTap {
  readonly tapId: string;
  readonly consent: { readonly ja: string; readonly en: string };
  readonly includeLimitInfo: boolean;
  /** 照合番号B or the PIN was given: more than the certificate is read. */
  readonly readsCardData: boolean;
  readonly hasDecided: boolean;
  /** Object URLs; `none` when the printed photo is compared; undefined while not asked yet. */
  readonly images: CardImages | 'none' | undefined;
}

export interface State {
  /** `unsure`: a question found no answer, while what the appliance tells by itself may still come. */
  readonly connection: 'connecting' | 'live' | 'unsure' | 'lost';
  readonly snapshot: GatewaySnapshot | undefined;
  readonly session: Session | undefined;
  readonly tab: Tab;
  /** Name of the action under way; buttons wait for it. */
  readonly busy: string | undefined;
  readonly problem: PageProblem | undefined;
  readonly tap: OwnTap | undefined;
  /** With the attributes of a new patient's card, when this screen has just finished its tap. */
  readonly visit: TapResult | undefined;
  readonly hasLinked: boolean;
  readonly visits: readonly Visit[] | undefined;
  readonly unresolved: readonly UnresolvedVisit[] | undefined;
  /** For whom a carry-out permit may be granted. */
  readonly permitOperators: readonly RosterRow[] | undefined;
  readonly lacksPermitOperator: boolean;
  readonly staff: StaffState;
}

/** Where it is kept. */
export interface Store {
  get(): State;
  set(part: Partial<State>): void;
}

export const INITIAL_STATE: State = {
  connection: 'connecting',
  snapshot: undefined,
  session: undefined,
  tab: 'reception',
  busy: undefined,
  problem: undefined,
  tap: undefined,
  visit: undefined,
  hasLinked: false,
  visits: undefined,
  unresolved: undefined,
  permitOperators: undefined,
  lacksPermitOperator: false,
  staff: NO_STAFF,
};

export type ViewName =
  | 'connecting'
  | 'hidden'
  | 'sign-in'
  | 'status'
  | 'unlock'
  | 'start'
  | 'other-tap'
  | 'consent'
  | 'reading'
  | 'face-check'
  | 'failure'
  | 'result'
  | 'number'
  | 'today'
  | 'unresolved'
  | 'carry-out'
  | 'staff'
  | 'access-log';

export function isForAdministrators(tab: Tab): boolean {
  return tab === 'carry-out' || tab === 'staff' || tab === 'access-log';
}

export function isAdministrator(session: Session | undefined): boolean {
  return session?.operator.roles.includes('administrator') ?? false;
}

/** What is known of a patient is not shown by a page of which nobody knows whether its session lives. */
const OF_PATIENTS: readonly ViewName[] = ['face-check', 'result', 'today', 'unresolved'];

export function viewOf(state: State): ViewName {
  const view = viewWhenConnected(state);
  return state.connection === 'lost' && OF_PATIENTS.includes(view) ? 'hidden' : view;
}

function viewWhenConnected(state: State): ViewName {
  const { snapshot, session, tab, visit, tap } = state;
  if (snapshot === undefined) return 'connecting';
  if (session === undefined) return 'sign-in';
  if (visit !== undefined) return 'result';
  if (tab !== 'reception' && (!isForAdministrators(tab) || isAdministrator(session))) return tab;
  if (tap !== undefined) return viewOfTap(tap, snapshot.tap);
  if (isRunning(snapshot.tap)) return 'other-tap';
  if (isUnlockable(snapshot.missing)) return 'unlock';
  return snapshot.ready ? 'start' : 'status';
}

/** A SAM in this state is opened by whoever has signed in; in any other it is not. */
export function isUnlockable(missing: ErrorCode | undefined): boolean {
  return missing === 'sam.locked' || missing === 'sam.uses-exhausted';
}

function viewOfTap(tap: OwnTap, progress: TapProgress | undefined): ViewName {
  // The answer to our request may come before the event that tells everybody.
  if (progress?.tapId !== tap.tapId) return tap.hasDecided ? 'reading' : 'consent';
  switch (progress.state) {
    case 'waitingForConsent':
      return tap.hasDecided ? 'reading' : 'consent';
    case 'faceCheck':
      return 'face-check';
    case 'failed':
      return 'failure';
    default:
      return 'reading';
  }
}

/** What is wrong with a reader that is faulted, as exactly as it knows. */
export function readerFault({ facts, readerHealth }: GatewaySnapshot): ErrorCode | undefined {
  return facts.reader === 'faulted' ? (readerHealth.lastFault ?? 'reader.unreachable') : undefined;
}

/** The first missing thing, in the words that help most. */
export function missingThing(snapshot: GatewaySnapshot | undefined): ErrorCode | undefined {
  const missing = snapshot?.missing;
  return missing?.startsWith('reader.') ? ((snapshot && readerFault(snapshot)) ?? missing) : missing;
}

export function isRunning(tap: TapProgress | undefined): boolean {
  return tap !== undefined && tap.state !== 'done' && tap.state !== 'failed';
}

/** Views that the patient reads: nothing but the question on the screen. */
export function isForPatient(view: ViewName): boolean {
  return view === 'consent' || view === 'reading';
}
