/** What the page shows of the network's lease. */
import type { GatewaySnapshot } from '#contract/snapshot.ts';
import { clockTime, dateAndTime, dayOf } from '../dates.ts';
import { h, type ViewNode } from '../dom.ts';
import { leaseEndText, leaseSinceText } from '../lease-words.ts';

/** The time alone, where it is today's. */
function moment(instant: string, { at }: GatewaySnapshot): string {
  const isToday = dayOf(new Date(instant)) === dayOf(new Date(at));
  return isToday ? clockTime(instant) : dateAndTime(instant);
}

/** For the line of parts: since when the lease is held. */
export function leaseSince(snapshot: GatewaySnapshot): string {
  const { lease, facts } = snapshot;
  if (lease === undefined || facts.network !== 'registered') return '';
  return ` ${leaseSinceText(moment(lease.since, snapshot))}`;
}

/** Why the last lease ended, where the network is what is missing. */
export function leaseEndNote(snapshot: GatewaySnapshot | undefined): ViewNode | false {
  const lastEnd = snapshot?.lease?.lastEnd;
  if (lastEnd === undefined || snapshot?.missing?.startsWith('network.') !== true) return false;
  return h('p', { class: 'lead' }, leaseEndText(lastEnd.reason, moment(lastEnd.at, snapshot)));
}

/** The same for those who look closer at a network that is there. */
export function leaseEndTitle(snapshot: GatewaySnapshot): string | undefined {
  const lastEnd = snapshot.lease?.lastEnd;
  return lastEnd && leaseEndText(lastEnd.reason, moment(lastEnd.at, snapshot));
}
