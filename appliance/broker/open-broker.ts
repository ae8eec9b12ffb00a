/** Puts a broker together out of its settings; in its own process and in the gateway's alike. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { SekishoError } from '#contract/errors.ts';
import type { Clock } from '#ports/clock.ts';
import type { Logger } from '#ports/logger.ts';
import type { Random } from '#ports/random.ts';
import { SamBroker } from './broker.ts';
import { openMemoryFile } from './memory-file.ts';
import { Policy, type PolicyLimits } from './policy.ts';
import type { SamSlot } from './sam-power.ts';

/** The settings that both kinds of composition share. @see `appliance/config/broker-schema.ts` */
export interface BrokerSettings {
  readonly serviceProviderKeyPath: string;
  readonly anchorKeyPath: string;
  readonly stateFolder: string;
  readonly limits: PolicyLimits & { readonly leaseGraceMs: number; readonly leaseMaxRoundTripMs: number };
}

export interface World {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Throws `store.*`, `config.invalid`. */
export function openBroker(settings: BrokerSettings, slot: SamSlot, world: World): SamBroker {
  const { limits, anchorKeyPath } = settings;
  const { leaseGraceMs: graceMs, leaseMaxRoundTripMs: maxRoundTripMs } = limits;
  const policy = new Policy({
    ...world,
    limits,
    memory: openMemoryFile(settings.stateFolder),
    spKey: readKey(settings.serviceProviderKeyPath),
    lease: { anchorKey: readAnchorKey(anchorKeyPath), graceMs, maxRoundTripMs },
  });
  return new SamBroker({ slot, policy, ...world });
}

function readAnchorKey(path: string): KeyObject {
  const key = readKey(path);
  if (key.asymmetricKeyType === 'ed25519') return key;
  throw new SekishoError('config.invalid', { field: 'anchorKeyPath' });
}

function readKey(path: string): KeyObject {
  return createPublicKey(readFileSync(path));
}
