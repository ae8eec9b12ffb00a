/**
 * The rules of the lease. `transition(state, input)` is pure: the next state, and what to tell the gateway. Only a granted
 * answer of the anchor begins a lease; everything else can only end one.
 */
import type { LeaseEnd, NetworkFact } from '#contract/network.ts';

/** Times are milliseconds of the monotonic clock. */
export interface LeaseState {
  /** When the question was made whose answer counts; undefined without a lease. */
  readonly grantedAtMs: number | undefined;
  /** Questions made before this moment are of a time that is over: their answers begin nothing. */
  readonly barredUntilMs: number;
  readonly link: 'up' | 'down';
  /** Whether events of the operating system reach us. */
  readonly watch: 'seeing' | 'blind';
  readonly enclosure: 'closed' | 'open';
}

export type LeaseInput =
  | { readonly type: 'granted'; readonly askedAtMs: number }
  | { readonly type: 'refused'; readonly because: 'device-not-registered' | 'device-revoked' }
  | { readonly type: 'anchorReplaced' }
  | { readonly type: 'linkUp' }
  | { readonly type: 'linkDown' }
  | {
      readonly type: 'placeChanged';
      readonly what: 'address-changed' | 'gateway-changed' | 'wireless-changed' | 'dhcp-server-changed';
    }
  | { readonly type: 'timeLeapt'; readonly what: 'suspended' | 'clock-jumped' }
  | { readonly type: 'enclosureOpened' }
  | { readonly type: 'enclosureClosed' }
  | { readonly type: 'watchBlind' }
  | { readonly type: 'watchSeeing' }
  /** Time passes. */
  | { readonly type: 'tick' };

/** What happened to the lease. */
export type LeaseChange = { readonly began: true } | { readonly ended: LeaseEnd } | undefined;

export interface LeaseOutcome {
  readonly state: LeaseState;
  readonly change: LeaseChange;
}

/** Nothing is known yet, so nothing is granted. */
export const INITIAL_LEASE: LeaseState = {
  grantedAtMs: undefined,
  barredUntilMs: Number.NEGATIVE_INFINITY,
  link: 'down',
  watch: 'blind',
  enclosure: 'closed',
};

/** What the gateway is told: the registered network, some network, or none. */
export function networkFact(state: LeaseState): NetworkFact {
  if (state.grantedAtMs !== undefined) return 'registered';
  return state.link === 'up' ? 'foreign' : 'absent';
}

/** Where an answer may begin or go on with a lease at all. */
export function isLeasable({ link, watch, enclosure }: LeaseState): boolean {
  return link === 'up' && watch === 'seeing' && enclosure === 'closed';
}

function end(state: LeaseState, reason: LeaseEnd, nowMs: number): LeaseOutcome {
  const next = { ...state, grantedAtMs: undefined, barredUntilMs: nowMs };
  return { state: next, change: state.grantedAtMs === undefined ? undefined : { ended: reason } };
}

function grant(state: LeaseState, askedAtMs: number, nowMs: number, graceMs: number): LeaseOutcome {
  const isFresh = askedAtMs > state.barredUntilMs && askedAtMs <= nowMs && nowMs - askedAtMs < graceMs;
  if (!isFresh || !isLeasable(state)) return { state, change: undefined };
  // Two answers may overtake each other: the younger question counts.
  const grantedAtMs = Math.max(state.grantedAtMs ?? askedAtMs, askedAtMs);
  const change = state.grantedAtMs === undefined ? ({ began: true } as const) : undefined;
  return { state: { ...state, grantedAtMs }, change };
}

function decide(state: LeaseState, input: LeaseInput, nowMs: number, graceMs: number): LeaseOutcome {
  switch (input.type) {
    case 'granted':
      return grant(state, input.askedAtMs, nowMs, graceMs);
    case 'refused':
      return end(state, input.because, nowMs);
    case 'anchorReplaced':
      return end(state, 'anchor-replaced', nowMs);
    case 'linkUp':
      return { state: { ...state, link: 'up' }, change: undefined };
    case 'linkDown':
      return end({ ...state, link: 'down' }, 'link-down', nowMs);
    case 'placeChanged':
    case 'timeLeapt':
      return end(state, input.what, nowMs);
    case 'enclosureOpened':
      return end({ ...state, enclosure: 'open' }, 'tampered', nowMs);
    case 'enclosureClosed':
      return { state: { ...state, enclosure: 'closed' }, change: undefined };
    case 'watchBlind':
      return end({ ...state, watch: 'blind' }, 'watch-blind', nowMs);
    case 'watchSeeing':
      return { state: { ...state, watch: 'seeing' }, change: undefined };
    case 'tick':
      return { state, change: undefined };
  }
}

/** The next state, and the change of the lease if there is one. A lease that is too old ends before anything else is heard. */
export function transition(
  state: LeaseState,
  input: LeaseInput,
  { nowMs, graceMs }: { readonly nowMs: number; readonly graceMs: number },
): LeaseOutcome {
  const isOver = state.grantedAtMs !== undefined && nowMs - state.grantedAtMs >= graceMs;
  if (!isOver) return decide(state, input, nowMs, graceMs);
  const silent = end(state, 'anchor-silent', nowMs);
  return { state: decide(silent.state, input, nowMs, graceMs).state, change: silent.change };
}
