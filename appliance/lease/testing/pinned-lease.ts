/** The broker's own judgement of lease answers, without a SAM. Tests only. */
import { createPublicKey } from 'node:crypto';
import { Lease } from '#broker/lease.ts';
import { systemClock } from '#ports/clock.ts';
import type { LeaseVerifier } from '#ports/lease-verifier.ts';
import { systemRandom } from '#ports/random.ts';

export interface PinnedLeaseOptions {
  readonly deviceId: string;
  readonly publicKeyPem: string;
  readonly graceMs: number;
}

const MAX_ROUND_TRIP_MS = 500;

export function pinnedLease({ deviceId, publicKeyPem, graceMs }: PinnedLeaseOptions): LeaseVerifier {
  const terms = { anchorKey: createPublicKey(publicKeyPem), graceMs, maxRoundTripMs: MAX_ROUND_TRIP_MS };
  const lease = new Lease(terms, systemClock, systemRandom);
  return {
    question: async () => lease.question(new Uint8Array(Buffer.from(deviceId, 'hex'))),
    answer: async (datagram) => lease.answer(datagram),
  };
}
