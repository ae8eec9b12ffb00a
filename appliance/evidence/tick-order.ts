/** Ticks and the use counter of a SAM only go up, a tick stays as long as it was, and a power-up that ended does not come back. */
import { Flaw } from './flaw.ts';
import type { Ticks } from './tick-stamp.ts';

interface LastSeen {
  readonly tickNonce: string;
  readonly ticks: bigint;
  readonly useCounter: number;
  readonly tickPeriodMs: number;
}

/** Takes the stamps in the order of the chain; throws on the first that contradicts the ones before. */
export function createTickOrder(): (ticks: Ticks) => void {
  const lastOfSam = new Map<string, LastSeen>();
  const endedNonces = new Set<string>();
  return ({ samId, tickNonce, ticks, useCounter, tickPeriodMs }) => {
    const last = lastOfSam.get(samId);
    if (last !== undefined) {
      if (useCounter < last.useCounter) throw new Flaw('use-counter-went-back');
      if (tickNonce === last.tickNonce) {
        if (ticks < last.ticks) throw new Flaw('ticks-went-back');
        if (tickPeriodMs !== last.tickPeriodMs) throw new Flaw('tick-period-changed');
      } else {
        endedNonces.add(`${samId}${last.tickNonce}`);
      }
    }
    if (endedNonces.has(`${samId}${tickNonce}`)) throw new Flaw('tick-nonce-returned');
    lastOfSam.set(samId, { tickNonce, ticks, useCounter, tickPeriodMs });
  };
}
