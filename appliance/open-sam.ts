/** The way to the SAM: a broker in a process of its own, or, in development, the same rules in this one. */
import { join } from 'node:path';
import { linkInProcess } from '#broker/link.ts';
import { openBroker, type World } from '#broker/open-broker.ts';
import type { SamAccess } from '#broker/sam-access.ts';
import { SamClient } from '#broker/sam-client.ts';
import type { SamSlot } from '#broker/sam-power.ts';
import { SocketLink } from '#broker/socket-link.ts';
import type { Config } from '#config/schema.ts';
import { SekishoError } from '#contract/errors.ts';

/** `slot` is the SAM's where no broker process holds it. */
export function openSamAccess(config: Config, slot: SamSlot | undefined, world: World): SamAccess {
  if (config.sam.driver === 'broker') return new SamClient(new SocketLink(config.sam.socketPath));
  if (slot === undefined) throw new SekishoError('config.invalid', { field: 'sam.driver' });
  const { limits, network } = config;
  const settings = {
    serviceProviderKeyPath: config.trust.serviceProviderKeyPath,
    anchorKeyPath: network.publicKeyPath,
    stateFolder: join(config.store.folder, 'broker'),
    limits: {
      ...limits,
      consentMaxAgeMs: limits.cardWaitMs + limits.tapTimeoutMs,
      leaseGraceMs: network.graceMs,
      leaseMaxRoundTripMs: network.roundTripMs,
    },
  };
  return new SamClient(linkInProcess(openBroker(settings, slot, world)));
}
