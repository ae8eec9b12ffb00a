/** The way to the SAM: a broker in a process of its own, or, in development, the same rules in this one. */
import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SamBroker } from '#broker/broker.ts';
import { linkInProcess } from '#broker/link.ts';
import { openMemoryFile } from '#broker/memory-file.ts';
import { Policy } from '#broker/policy.ts';
import type { SamAccess } from '#broker/sam-access.ts';
import { SamClient } from '#broker/sam-client.ts';
import type { SamSlot } from '#broker/sam-power.ts';
import { SocketLink } from '#broker/socket-link.ts';
import type { Config } from '#config/schema.ts';
import { SekishoError } from '#contract/errors.ts';
import type { Clock } from '#ports/clock.ts';
import type { Logger } from '#ports/logger.ts';
import type { Random } from '#ports/random.ts';
import { readAnchorKey } from './open-lease.ts';

export interface SamWorld {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** `slot` is the SAM's where no broker process holds it. */
export function openSamAccess(config: Config, slot: SamSlot | undefined, world: SamWorld): SamAccess {
  if (config.sam.driver === 'broker') return new SamClient(new SocketLink(config.sam.socketPath));
  if (slot === undefined) throw new SekishoError('config.invalid', { field: 'sam.driver' });
  const { limits, network } = config;
  const policy = new Policy({
    ...world,
    memory: openMemoryFile(join(config.store.folder, 'broker')),
    limits: { ...limits, consentMaxAgeMs: limits.cardWaitMs + limits.tapTimeoutMs },
    spKey: createPublicKey(readFileSync(config.trust.serviceProviderKeyPath)),
    lease: {
      anchorKey: readAnchorKey(network),
      graceMs: network.graceMs,
      maxRoundTripMs: network.roundTripMs,
    },
  });
  return new SamClient(linkInProcess(new SamBroker({ ...world, slot, policy })));
}
