/**
 * A network is registered by a person, deliberately: an administrator compares the fingerprint that the anchor shows
 * with the key that this appliance is set up for, and that is on record.
 */
import { SekishoError } from '#contract/errors.ts';
import type { NetworkAuthorisation } from '#evidence/record.ts';
import type { Caller } from './face.ts';
import type { GatewayParts } from './parts.ts';
import { appendStamped } from './stamped-entry.ts';

/** `anchorKeySha256` as the administrator read it. Rejects `network.key-differs`, `store.*`. */
export async function registerNetwork(
  parts: GatewayParts,
  { operatorId, screen }: Caller,
  anchorKeySha256: string,
  authorisation: NetworkAuthorisation = { by: 'session' },
): Promise<void> {
  if (anchorKeySha256 !== parts.anchorKeySha256) throw new SekishoError('network.key-differs');
  await appendStamped(parts, {
    kind: 'network-registered',
    at: new Date(parts.clock.nowMs()).toISOString(),
    networkId: parts.networkId,
    anchorKeySha256,
    operatorId,
    screen,
    authorisation,
  });
}
