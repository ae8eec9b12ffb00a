import { generateKeyPairSync, randomBytes, randomInt, sign } from 'node:crypto';
import { expect, test } from 'vitest';
import { Anchor } from '#anchor/anchor.ts';
import { identityOf } from '#anchor/identity.ts';
import type { LeaseVerdict } from '#ports/lease-verifier.ts';
import { pinnedVerifier } from './testing/pinned-verifier.ts';

const DEVICE_ID = '5345534841303031';
const GRACE_MS = 3_000;
const identity = identityOf(generateKeyPairSync('ed25519').privateKey);
const stranger = generateKeyPairSync('ed25519').privateKey;
const anchor = new Anchor({
  identity,
  devices: { verdictOn: () => 'granted' },
  rateLimit: { allows: () => true },
});
let nowMs = 0;
const verifierOf = (deviceId: string) =>
  pinnedVerifier({
    deviceId,
    publicKeyPem: identity.publicKeyPem,
    graceMs: GRACE_MS,
    monotonicMs: () => nowMs,
  });
const verifier = verifierOf(DEVICE_ID);
const neighbour = verifierOf('5345534841303032');

const ask = async (whose = verifier): Promise<Buffer> =>
  Buffer.from(anchor.answer(Buffer.from(await whose.question()), '192.0.2.1')!);
const flip = (datagram: Buffer, bit: number): Buffer => {
  const altered = Buffer.from(datagram);
  altered.writeUInt8(altered.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
  return altered;
};

const FORGERIES: Readonly<Record<string, () => Promise<Buffer>>> = {
  async replayed() {
    const answer = await ask();
    expect((await verifier.answer(answer)).verdict).toBe('granted');
    return answer;
  },
  async stale() {
    const answer = await ask();
    nowMs += GRACE_MS + randomInt(0, 60_000);
    return answer;
  },
  altered: async () => flip(await ask(), randomInt(0, 176 * 8)),
  'of another device': () => ask(neighbour),
  async 'of another network'() {
    const answer = await ask();
    sign(null, answer.subarray(0, 112), stranger).copy(answer, 112);
    return answer;
  },
  async 'to a question of nobody'() {
    const answer = await ask();
    randomBytes(32).copy(answer, 40);
    sign(null, answer.subarray(0, 112), identity.privateKey).copy(answer, 112);
    return answer;
  },
  'of another length': async () => (await ask()).subarray(0, randomInt(0, 176)),
  noise: async () => randomBytes(176),
};

test('of ten thousand answers that are replayed, stale, altered or of others, none is granted', async () => {
  const verdicts = new Map<string, number>();
  const names = Object.keys(FORGERIES);
  for (let count = 0; count < 10_000; count++) {
    const name = names[count % names.length]!;
    const { verdict }: { verdict: LeaseVerdict } = await verifier.answer(await FORGERIES[name]!());
    verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
    if (verdict === 'granted') throw new Error(`granted: ${name}`);
    nowMs += 10;
  }
  expect(verdicts.get('granted')).toBeUndefined();
  expect([...verdicts.values()].reduce((sum, each) => sum + each)).toBe(10_000);
  // The genuine one still is.
  expect((await verifier.answer(await ask())).verdict).toBe('granted');
});
