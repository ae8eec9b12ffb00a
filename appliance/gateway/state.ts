/** The facts that the gateway knows, kept apart, and the readiness that follows from them. */
import type { ErrorCode } from '#contract/errors.ts';
import type { NetworkFact } from '#contract/network.ts';
import type { Operator } from '#contract/operator.ts';

export type SamFact =
  | { readonly kind: 'absent' }
  | { readonly kind: 'locked' }
  | { readonly kind: 'unlocked'; readonly by: 'online' | 'offline'; readonly usesLeft: number }
  | { readonly kind: 'disabled' };

export type { NetworkFact };

/** Leave to work away from the registered network, for home visits. */
export type PermitFact =
  | { readonly kind: 'none' }
  /** `untilMs`: wall-clock time, to be shown; the broker ends it. */
  | { readonly kind: 'carryOut'; readonly untilMs: number; readonly usesLeft: number };

export type OperatorFact =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'signedIn';
      readonly operator: Operator;
      readonly screen: string;
      /** Absolute end of the session, whatever happens. Monotonic, as the next one: a wall clock jumps. */
      readonly untilMs: number;
      /** The session ends here unless somebody works before. */
      readonly idleUntilMs: number;
    };

export type ReaderFact = 'ready' | 'faulted';

export interface Facts {
  readonly sam: SamFact;
  readonly network: NetworkFact;
  readonly permit: PermitFact;
  readonly operator: OperatorFact;
  readonly reader: ReaderFact;
  /** One tap at a time: the reader has one antenna and the counter one patient. */
  readonly tapRunning: boolean;
}

export const INITIAL_FACTS: Facts = {
  sam: { kind: 'absent' },
  network: 'absent',
  permit: { kind: 'none' },
  operator: { kind: 'none' },
  reader: 'faulted',
  tapRunning: false,
};

/** A place is allowed when it is the registered network, or a carry-out permit is in force. */
export function placeAllowed(facts: Pick<Facts, 'network' | 'permit'>): boolean {
  return facts.network === 'registered' || facts.permit.kind === 'carryOut';
}

/** Why a place is not allowed. */
export function placeError(network: NetworkFact): 'network.foreign' | 'network.absent' {
  return network === 'foreign' ? 'network.foreign' : 'network.absent';
}

/** The first missing thing, in the order in which a person would put it right; undefined when ready. */
export function firstMissing(facts: Facts): ErrorCode | undefined {
  if (facts.sam.kind === 'disabled') return 'sam.disabled';
  if (facts.sam.kind === 'absent') return 'sam.absent';
  if (!placeAllowed(facts)) return placeError(facts.network);
  if (facts.reader === 'faulted') return 'reader.unreachable';
  if (facts.operator.kind === 'none') return 'operator.not-signed-in';
  if (facts.sam.kind === 'locked') return 'sam.locked';
  if (facts.sam.usesLeft === 0) return 'sam.uses-exhausted';
  const isAway = facts.network !== 'registered';
  if (isAway && facts.permit.kind === 'carryOut' && facts.permit.usesLeft === 0)
    return 'permit.uses-exhausted';
  return undefined;
}
