/**
 * The rules. `transition(facts, input)` is pure: it answers the next facts and the effects to run, or a refusal.
 * No input is ignored in silence; what changes nothing answers the same facts and no effects.
 */
import type { ErrorCode } from '#contract/errors.ts';
import type { LeaseEnd } from '#contract/network.ts';
import type { Operator } from '#contract/operator.ts';
import { type Facts, firstMissing, type NetworkFact, placeAllowed, placeError } from './state.ts';

export type Input =
  | { readonly type: 'samFound' }
  | { readonly type: 'samLost' }
  | { readonly type: 'samUnlocked'; readonly by: 'online' | 'offline'; readonly usesLeft: number }
  | { readonly type: 'samLocked'; readonly reason: string }
  | { readonly type: 'samDisabled' }
  | { readonly type: 'samUsed'; readonly usesLeft: number }
  /** `because`: why the lease ended. */
  | { readonly type: 'networkChanged'; readonly to: NetworkFact; readonly because?: LeaseEnd }
  /** The broker took the power off by itself; nobody and nothing is proven to it any more. */
  | { readonly type: 'wiped'; readonly reason: string }
  /** By the word of the broker, which alone judges it. */
  | { readonly type: 'permitInForce'; readonly untilMs: number; readonly uses: number }
  | { readonly type: 'permitEnded' }
  | {
      readonly type: 'operatorSignedIn';
      readonly operator: Operator;
      readonly screen: string;
      readonly untilMs: number;
      readonly idleUntilMs: number;
    }
  | { readonly type: 'operatorActive'; readonly idleUntilMs: number }
  | { readonly type: 'operatorSignedOut' }
  | { readonly type: 'operatorTimedOut' }
  | { readonly type: 'operatorSuspended' }
  | { readonly type: 'readerReady' }
  | { readonly type: 'readerFaulted' }
  | { readonly type: 'tapRequested' }
  | { readonly type: 'tapEnded' };

/** What has to be done about it; run by the exhaustive map in `effects.ts`, in this order. */
export type Effect =
  | { readonly do: 'powerOffSam'; readonly reason: string }
  | { readonly do: 'lockSam'; readonly reason: string }
  | { readonly do: 'abortTap'; readonly error: ErrorCode }
  | { readonly do: 'dropSessions'; readonly error: ErrorCode }
  /** `waitsForPerson`: it is not opened again by itself, however good the place is. */
  | { readonly do: 'recordSamLocked'; readonly reason: string; readonly waitsForPerson?: true }
  | { readonly do: 'unlockOnline' };

export type Outcome =
  | { readonly facts: Facts; readonly effects: readonly Effect[] }
  | { readonly refused: ErrorCode };

const NO_EFFECTS: readonly Effect[] = [];

function stay(facts: Facts, ...effects: Effect[]): Outcome {
  return { facts, effects: effects.length === 0 ? NO_EFFECTS : effects };
}

/** Losing the place ends everything that was open, from whatever state. */
function leavePlace(
  facts: Facts,
  error: ErrorCode,
  { reason = error, isLeaving = true }: { readonly reason?: string; readonly isLeaving?: boolean } = {},
): Outcome {
  const wasUnlocked = facts.sam.kind === 'unlocked';
  const effects: Effect[] = [];
  if (facts.tapRunning) effects.push({ do: 'abortTap', error });
  // A locked one too, where an unlock may be under way; from one wrong place to another none can be.
  if (wasUnlocked || (facts.sam.kind === 'locked' && isLeaving)) {
    effects.push({ do: 'powerOffSam', reason });
  }
  if (facts.operator.kind === 'signedIn') effects.push({ do: 'dropSessions', error });
  if (wasUnlocked) effects.push({ do: 'recordSamLocked', reason });
  const sam = wasUnlocked ? ({ kind: 'locked' } as const) : facts.sam;
  return stay({ ...facts, sam, operator: { kind: 'none' } }, ...effects);
}

function changeNetwork(facts: Facts, to: NetworkFact, because: LeaseEnd | undefined): Outcome {
  const next: Facts = { ...facts, network: to };
  if (to === 'registered') {
    // Presence alone never unlocks: it only asks the SP, which decides afresh.
    return facts.sam.kind === 'locked' && facts.network !== 'registered'
      ? stay(next, { do: 'unlockOnline' })
      : stay(next);
  }
  // With a permit, too: what was open at home does not stay open on the way.
  if (facts.network !== 'registered' && placeAllowed(next)) return stay(next);
  const isLeaving = placeAllowed(facts);
  return leavePlace(
    next,
    placeError(to),
    because === undefined ? { isLeaving } : { reason: because, isLeaving },
  );
}

function endPermit(facts: Facts): Outcome {
  const next: Facts = { ...facts, permit: { kind: 'none' } };
  if (facts.permit.kind === 'none' || placeAllowed(next)) return stay(next);
  return leavePlace(next, placeError(next.network));
}

function unlockSam(facts: Facts, by: 'online' | 'offline', usesLeft: number): Outcome {
  if (facts.sam.kind === 'absent') return { refused: 'sam.absent' };
  if (facts.sam.kind === 'disabled') return { refused: 'sam.disabled' };
  if (!placeAllowed(facts)) {
    // The SAM opened while the place was being lost: shut it again at once.
    return stay(facts, { do: 'powerOffSam', reason: 'network.absent' });
  }
  return stay({ ...facts, sam: { kind: 'unlocked', by, usesLeft } });
}

function lockSam(facts: Facts, reason: string): Outcome {
  if (facts.sam.kind !== 'unlocked') return stay(facts);
  const abort: Effect[] = facts.tapRunning ? [{ do: 'abortTap', error: 'sam.locked' }] : [];
  return stay(
    { ...facts, sam: { kind: 'locked' } },
    ...abort,
    { do: 'lockSam', reason },
    { do: 'recordSamLocked', reason, waitsForPerson: true },
  );
}

function loseSam(facts: Facts, sam: { kind: 'absent' } | { kind: 'disabled' }, error: ErrorCode): Outcome {
  const effects: Effect[] = [];
  if (facts.tapRunning) effects.push({ do: 'abortTap', error });
  if (facts.sam.kind === 'unlocked') effects.push({ do: 'recordSamLocked', reason: error });
  return stay({ ...facts, sam }, ...effects);
}

function endOperator(facts: Facts, error: ErrorCode): Outcome {
  if (facts.operator.kind === 'none') return stay(facts);
  const effects: Effect[] = facts.tapRunning ? [{ do: 'abortTap', error }] : [];
  return stay({ ...facts, operator: { kind: 'none' } }, ...effects, { do: 'dropSessions', error });
}

function requestTap(facts: Facts): Outcome {
  const missing = firstMissing(facts);
  if (missing !== undefined) return { refused: missing };
  if (facts.tapRunning) return { refused: 'tap.busy' };
  return stay({ ...facts, tapRunning: true });
}

function findSam(facts: Facts): Outcome {
  if (facts.sam.kind !== 'absent') return stay(facts);
  const unlock: Effect[] = facts.network === 'registered' ? [{ do: 'unlockOnline' }] : [];
  return stay({ ...facts, sam: { kind: 'locked' } }, ...unlock);
}

function signIn(facts: Facts, input: Extract<Input, { type: 'operatorSignedIn' }>): Outcome {
  if (!placeAllowed(facts)) return { refused: placeError(facts.network) };
  if (facts.tapRunning) return { refused: 'tap.busy' };
  const { operator, screen, untilMs, idleUntilMs } = input;
  return stay({ ...facts, operator: { kind: 'signedIn', operator, screen, untilMs, idleUntilMs } });
}

/** The next facts and what to do about it, or why not. Pure. */
export function transition(facts: Facts, input: Input): Outcome {
  switch (input.type) {
    case 'samFound':
      return findSam(facts);
    case 'samLost':
      return loseSam(facts, { kind: 'absent' }, 'sam.absent');
    case 'samDisabled':
      return loseSam(facts, { kind: 'disabled' }, 'sam.disabled');
    case 'samUnlocked':
      return unlockSam(facts, input.by, input.usesLeft);
    case 'samLocked':
      return lockSam(facts, input.reason);
    case 'samUsed':
      return facts.sam.kind === 'unlocked'
        ? stay({ ...facts, sam: { ...facts.sam, usesLeft: input.usesLeft } })
        : { refused: 'sam.locked' };
    case 'networkChanged':
      return changeNetwork(facts, input.to, input.because);
    case 'wiped':
      return leavePlace(facts, placeError(facts.network), { reason: input.reason });
    case 'permitInForce':
      return stay({
        ...facts,
        permit: { kind: 'carryOut', untilMs: input.untilMs, usesLeft: input.uses },
      });
    case 'permitEnded':
      return endPermit(facts);
    case 'operatorSignedIn':
      return signIn(facts, input);
    case 'operatorActive':
      return facts.operator.kind === 'signedIn'
        ? stay({ ...facts, operator: { ...facts.operator, idleUntilMs: input.idleUntilMs } })
        : { refused: 'operator.not-signed-in' };
    case 'operatorSignedOut':
      return endOperator(facts, 'operator.not-signed-in');
    case 'operatorTimedOut':
      return endOperator(facts, 'operator.session-ended');
    case 'operatorSuspended':
      return endOperator(facts, 'operator.suspended');
    case 'readerReady':
      return stay({ ...facts, reader: 'ready' });
    case 'readerFaulted':
      // The tap learns it from its own card channel; the SAM and the operator stay as they are.
      return stay({ ...facts, reader: 'faulted' });
    case 'tapRequested':
      return requestTap(facts);
    case 'tapEnded':
      return stay({ ...facts, tapRunning: false });
  }
}
