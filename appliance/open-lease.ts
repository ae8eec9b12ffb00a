/** Puts the lease together out of its settings and its drivers, and has the gateway follow it. */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import type { Config } from '#config/schema.ts';
import { SekishoError } from '#contract/errors.ts';
import type { RegisteredNetwork } from '#contract/http/network-routes.ts';
import { LeaseEnd, type LeaseStatus, type NetworkFact } from '#contract/network.ts';
import { UdpAnchorLine } from '#drivers/network/anchor-line.ts';
import { systemBootClock } from '#drivers/network/boot-clock.ts';
import { gpioTamperSwitch } from '#drivers/network/gpio-tamper.ts';
import { openEye } from '#drivers/network/open-eye.ts';
import { fileTamperSwitch } from '#drivers/network/tamper-level.ts';
import { LeaseWatcher } from '#lease/watcher.ts';
import type { Clock } from '#ports/clock.ts';
import type { LeaseVerifier } from '#ports/lease-verifier.ts';
import type { Logger } from '#ports/logger.ts';
import type { TamperSwitch } from '#ports/surroundings.ts';

type NetworkConfig = Config['network'];

export interface LeaseParts {
  readonly network: NetworkConfig;
  readonly verifier: LeaseVerifier;
  readonly clock: Clock;
  readonly logger: Logger;
  /** When and why the SAM was locked in a life before this one. */
  readonly lastLock: { readonly atMs: number; readonly reason: string } | undefined;
  /** Told of every change, in its very moment. */
  readonly tell: (fact: NetworkFact, because?: LeaseEnd) => Promise<void>;
  /** The enclosure is open: nobody has leave to be away with it. */
  readonly tampered: () => Promise<void>;
}

export interface RunningLease {
  status(): LeaseStatus;
  /** Throws when the rules believe in a lease that is not held: they must never be open for longer than it. */
  requireHeld(shown: NetworkFact): void;
  close(): Promise<void>;
}

/** Throws `config.invalid` for what is no key of an anchor. */
export function readAnchorKey({ publicKeyPath }: NetworkConfig): KeyObject {
  try {
    const key = createPublicKey(readFileSync(publicKeyPath));
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // Not a key at all.
  }
  throw new SekishoError('config.invalid', { field: 'network.publicKeyPath' });
}

/** The name of a network is the key of its anchor (`docs/lease-protocol.md`). */
export function networkOf(anchorKey: KeyObject): RegisteredNetwork {
  const spki = anchorKey.export({ type: 'spki', format: 'der' });
  const anchorKeySha256 = createHash('sha256').update(spki).digest('hex');
  return { networkId: anchorKeySha256.slice(0, 32), anchorKeySha256 };
}

function openTamper({ tamper }: NetworkConfig, clock: Clock): TamperSwitch | undefined {
  switch (tamper?.driver) {
    case 'gpio':
      return gpioTamperSwitch(tamper);
    case 'file':
      return fileTamperSwitch(tamper.file, tamper.closedText, clock);
    case undefined:
      return undefined;
  }
}

/** Undefined for a lock that had another reason than the place. */
function leaseEndOf(lock: LeaseParts['lastLock']): LeaseWatcher['lastEnd'] {
  const { success, data: reason } = LeaseEnd.safeParse(lock?.reason);
  return lock !== undefined && success ? { reason, atMs: lock.atMs } : undefined;
}

/** An anchor in the house answers at once; a start does not wait for one that is off. */
const FIRST_ANSWER_MS = 1_000;

/** Resolves with the first lease and what follows from it done, or after a second without one. */
export async function keepLease(parts: LeaseParts): Promise<RunningLease> {
  const { network, clock, logger } = parts;
  const { graceMs } = network;
  const settling = new AbortController();
  let told: NetworkFact = 'absent';
  let followed = Promise.resolve();
  const tell = (because?: LeaseEnd): void => {
    const { fact } = watcher;
    if (fact === told) return;
    told = fact;
    followed = parts.tell(fact, because).catch((error: unknown) => logger.error('lease.not-told', { error }));
    if (fact === 'registered') settling.abort();
  };
  const watcher: LeaseWatcher = new LeaseWatcher({
    options: network,
    verifier: parts.verifier,
    anchors: new UdpAnchorLine(network),
    eye: openEye(
      {
        device: network.interface,
        family: network.anchors.some(({ host }) => isIPv6(host)) ? 'inet6' : 'inet',
        dhcpLeaseFile: network.dhcpLeaseFile,
      },
      clock,
      logger,
    ),
    tamper: openTamper(network, clock),
    boot: systemBootClock,
    clock,
    logger,
    onTampered: () =>
      void parts.tampered().catch((error: unknown) => logger.error('lease.not-told', { error })),
    onLost: tell,
    onChange: () => tell(),
  });
  await watcher.start();
  await clock.sleep(FIRST_ANSWER_MS, settling.signal).catch(() => undefined);
  await followed;
  const endBefore = leaseEndOf(parts.lastLock);
  const instant = (ms: number): string => new Date(ms).toISOString();
  return {
    status() {
      const { sinceMs, lastEnd = endBefore } = watcher;
      const ended = lastEnd && { reason: lastEnd.reason, at: instant(lastEnd.atMs) };
      return { since: instant(sinceMs), graceMs, ...(ended && { lastEnd: ended }) };
    },
    requireHeld(shown) {
      if (shown === 'registered' && watcher.fact !== 'registered')
        throw new SekishoError('internal.bug', { context: { what: 'a lease that is not held' } });
    },
    close: () => watcher.close(),
  };
}
