/** The broker in process, on a slot that can be made to refuse to take the power off. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { SamBroker } from '#broker/broker.ts';
import { linkInProcess } from '#broker/link.ts';
import { Policy } from '#broker/policy.ts';
import type { SamAccess } from '#broker/sam-access.ts';
import { SamClient } from '#broker/sam-client.ts';
import { makeShortMemory } from '#broker/testing/short-memory.ts';
import type { CardChannel, CardReader } from '#card/channel.ts';
import type { Clock } from '#ports/clock.ts';
import { silentLogger } from '#ports/logger.ts';
import { systemRandom } from '#ports/random.ts';
import type { GatewayLimits } from '../parts.ts';
import type { TestRegion } from './region.ts';

class StuckableSlot implements CardReader {
  readonly name = 'stuckable';
  isStuck = false;
  readonly #inner: CardReader;
  readonly #innerOf = new WeakMap<CardChannel, CardChannel>();
  #open: CardChannel | undefined;

  constructor(inner: CardReader) {
    this.#inner = inner;
  }

  async waitForCard(signal: AbortSignal): Promise<CardChannel> {
    const inner = await this.#inner.waitForCard(signal);
    const { name, identity, maxCommandBytes } = inner;
    const channel: CardChannel = {
      name,
      identity,
      maxCommandBytes,
      transmit: (command, options) => inner.transmit(command, options),
      close: () => (this.isStuck ? Promise.reject(new Error('stuck')) : inner.close()),
    };
    this.#open = inner;
    this.#innerOf.set(channel, inner);
    return channel;
  }

  waitForRemoval(channel: CardChannel, signal: AbortSignal): Promise<void> {
    return this.#inner.waitForRemoval(this.#innerOf.get(channel) ?? channel, signal);
  }

  async free(): Promise<void> {
    this.isStuck = false;
    await this.#open?.close();
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

export interface BenchBroker {
  readonly samAccess: SamAccess;
  /** From now on the power stays on whatever is asked; answers how to take it off after all. */
  stick(): () => Promise<void>;
  /** As the broker does by itself when the lease ends. */
  wipe(reason: string): Promise<void>;
}

/** Without `anchorKey` the place is what the tests say to the gateway; with it, what the anchor has signed, for an hour. */
export function openBenchBroker(
  samSlot: CardReader,
  { pki }: TestRegion,
  clock: Clock,
  limits: GatewayLimits,
  anchorKey?: KeyObject,
): BenchBroker {
  const { operatorIdleMs, operatorAbsoluteMs } = limits;
  const policy = new Policy({
    clock,
    random: systemRandom,
    memory: makeShortMemory(),
    limits: {
      operatorIdleMs,
      operatorAbsoluteMs,
      consentMaxAgeMs: limits.cardWaitMs + limits.tapTimeoutMs,
      usesPerMinute: 100_000,
      usesPerDay: 1_000_000,
      permitMaxMs: 86_400_000,
      permitMaxUses: 50,
    },
    spKey: createPublicKey(pki.serviceProviderKey),
    lease: anchorKey && { anchorKey, graceMs: 3_600_000, maxRoundTripMs: 500 },
  });
  const slot = new StuckableSlot(samSlot);
  const broker = new SamBroker({ slot, policy, clock, logger: silentLogger });
  return {
    samAccess: new SamClient(linkInProcess(broker)),
    stick() {
      slot.isStuck = true;
      return () => slot.free();
    },
    wipe: (reason) => broker.wipe(reason),
  };
}
