/** A verifier in process, written from `docs/lease-protocol.md`. Tests only: the product's holds the SAM. */
import { createHash, createPublicKey, randomBytes, timingSafeEqual, verify } from 'node:crypto';
import type { LeaseAnswer, LeaseVerifier } from '#ports/lease-verifier.ts';

const VERDICTS = ['granted', 'not-registered', 'revoked'] as const;
/** More open questions than this are of nobody who asks once a second. */
const MAX_OPEN = 64;

export interface PinnedVerifierOptions {
  readonly deviceId: string;
  readonly publicKeyPem: string;
  readonly graceMs: number;
  readonly monotonicMs: () => number;
}

export function pinnedVerifier(options: PinnedVerifierOptions): LeaseVerifier {
  const key = createPublicKey(options.publicKeyPem);
  const networkId = createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest();
  const own = Buffer.concat([Buffer.from(options.deviceId, 'hex'), networkId.subarray(0, 16)]);
  const open = new Map<string, number>();
  const sequences = new Map<string, bigint>();
  const ignored: LeaseAnswer = { verdict: 'ignored', ageMs: 0 };

  function judge(datagram: Buffer): LeaseAnswer {
    if (datagram.length !== 176 || datagram.toString('latin1', 0, 16) !== 'SEKISHO-LEASE-A1') return ignored;
    if (!timingSafeEqual(datagram.subarray(16, 40), own)) return ignored;
    const nonce = datagram.toString('hex', 40, 72);
    const askedAtMs = open.get(nonce);
    if (askedAtMs === undefined) return ignored;
    const ageMs = options.monotonicMs() - askedAtMs;
    open.delete(nonce);
    if (ageMs >= options.graceMs) return ignored;
    if (!verify(null, datagram.subarray(0, 112), key, datagram.subarray(112))) {
      return { verdict: 'wrong-key', ageMs };
    }
    const verdict = VERDICTS[datagram.readUInt8(96)];
    if (verdict === undefined || datagram.subarray(97, 112).some((byte) => byte !== 0)) return ignored;
    const boot = datagram.toString('hex', 72, 88);
    const sequence = datagram.readBigUInt64BE(88);
    if (sequence <= (sequences.get(boot) ?? -1n)) return ignored;
    sequences.set(boot, sequence);
    return { verdict, ageMs };
  }

  return {
    async question() {
      const nonce = randomBytes(32);
      open.set(nonce.toString('hex'), options.monotonicMs());
      for (const oldest of open.keys()) {
        if (open.size <= MAX_OPEN) break;
        open.delete(oldest);
      }
      return Buffer.concat([Buffer.from('SEKISHO-LEASE-Q1'), own, nonce, Buffer.alloc(120)]);
    },
    answer: async (datagram) => judge(Buffer.from(datagram)),
  };
}
