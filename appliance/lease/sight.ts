/** What of two looks at the network differs so that it cannot be the same place. */
import type { NetworkSight } from '#ports/surroundings.ts';
import type { LeaseInput } from './rules.ts';

export type PlaceChange = Extract<LeaseInput, { type: 'placeChanged' }>['what'];

/** Something known became something else. That it became unknown (an expired entry) or known means nothing. */
function differs(before: string | undefined, now: string | undefined): boolean {
  return before !== undefined && now !== undefined && before !== now;
}

export function placeChange(before: NetworkSight, now: NetworkSight): PlaceChange | undefined {
  if (before.addresses.join() !== now.addresses.join()) return 'address-changed';
  // A route that vanishes is a change; whose MAC is no longer remembered is none.
  if (before.gateway !== now.gateway || differs(before.gatewayMac, now.gatewayMac)) return 'gateway-changed';
  if (differs(before.wirelessName, now.wirelessName)) return 'wireless-changed';
  if (differs(before.dhcpServer, now.dhcpServer)) return 'dhcp-server-changed';
  return undefined;
}

/** The later look, with what only the earlier one knew. */
export function rememberSight(before: NetworkSight, now: NetworkSight): NetworkSight {
  return {
    ...now,
    gatewayMac: now.gatewayMac ?? before.gatewayMac,
    wirelessName: now.wirelessName ?? before.wirelessName,
    dhcpServer: now.dhcpServer ?? before.dhcpServer,
  };
}
