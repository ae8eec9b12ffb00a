/** Thousands of answers of no anchor of ours, and of grants of no SP of ours, at a real broker and its SAM. */
import { generateKeyPairSync, randomBytes, randomInt } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { signUnlockGrant } from '#centre/service-provider/sam-order.ts';
import { rounds, tellFigure } from '#clinic/testing/figures.ts';
import { BrokerRig, GRACE_MS, MAX_ROUND_TRIP_MS, SAM_ID, START_MS } from './testing/broker-rig.ts';
import type { AnswerChanges } from './testing/scripted-anchor.ts';

const GENERATED = rounds(1_200, 10_000);
const OTHER_DEVICE = '5345534841303032';
const strangerToAnchor = generateKeyPairSync('ed25519').privateKey;
const strangerToSp = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
let rig: BrokerRig;

beforeEach(async () => {
  rig = await BrokerRig.make();
  await rig.open();
});
afterEach(() => rig.close());

const flip = (hex: string): string => {
  const bytes = Buffer.from(hex, 'hex');
  const bit = randomInt(bytes.length * 8);
  bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return bytes.toString('hex');
};

/** In turn, so that each kind is there equally often. Answers the kinds that were taken for genuine. */
async function tryAll(
  forgeries: Readonly<Record<string, () => Promise<string>>>,
  prepare: () => Promise<unknown>,
  isAccepted: (forged: string) => Promise<boolean>,
): Promise<string[]> {
  const accepted: string[] = [];
  const kinds = Object.entries(forgeries);
  for (let count = 0; count < GENERATED; count += 1) {
    const [kind, forge] = kinds[count % kinds.length] ?? ['', async () => ''];
    await prepare();
    const forged = await forge();
    if (await isAccepted(forged).catch(() => false)) accepted.push(kind);
  }
  return accepted;
}

test('no answer that is replayed, stale, altered or of others begins a lease', async () => {
  const question = async (): Promise<string> => (await rig.ask('leaseQuestion')).question ?? '';
  const answer = async (changes?: AnswerChanges): Promise<string> =>
    rig.anchor.answer(await question(), changes);
  const late = async (ms: number): Promise<string> => {
    const genuine = await answer();
    await rig.clock.advance(ms);
    return genuine;
  };
  const recorded: string[] = [];
  for (let count = 0; count < 100; count += 1) {
    const genuine = await answer();
    recorded.push(genuine);
    expect((await rig.ask('leaseAnswer', { answer: genuine })).verdict).toBe('granted');
  }
  await rig.ask('endLease', { reason: 'link-down' });
  await rig.open();
  const replay = (): string => recorded[randomInt(recorded.length)] ?? '';
  const accepted = await tryAll(
    {
      replayed: async () => replay(),
      async 'replayed to a new question'() {
        const asked = Buffer.from(await question(), 'hex');
        const old = Buffer.from(replay(), 'hex');
        asked.copy(old, 40, 40, 72);
        return old.toString('hex');
      },
      stale: () => late(GRACE_MS + randomInt(60_000)),
      'too long under way': () => late(MAX_ROUND_TRIP_MS + 1 + randomInt(GRACE_MS)),
      altered: async () => flip(await answer()),
      'of another device': () => answer({ deviceId: OTHER_DEVICE }),
      'of another network': () => answer({ networkId: randomBytes(16).toString('hex') }),
      'under another key': () => answer({ key: strangerToAnchor }),
      'counted back': () => answer({ sequence: BigInt(randomInt(1, 100)) }),
      'not granted': () => answer({ verdict: randomInt(1, 256) }),
      'of another length': async () => (await answer()).slice(0, 2 * randomInt(176)),
      noise: async () => randomBytes(176).toString('hex'),
    },
    // Whoever stood in the place of the anchor had the SAM shut.
    () => rig.open(),
    async (forged) => (await rig.ask('leaseAnswer', { answer: forged })).verdict === 'granted',
  );
  tellFigure({ name: 'forged-lease-answers-accepted', value: accepted.length, unit: `of ${GENERATED}` });
  expect(accepted).toEqual([]);
  await expect(rig.unlock()).rejects.toMatchObject({ code: 'network.absent' });
  expect(await rig.lease()).toBe('granted');
}, 300_000);

test('no grant that is replayed, stale, altered or for others opens the SAM', async () => {
  const challenge = async (): Promise<string> => (await rig.askSam('challenge')).challenge ?? '';
  const terms = async (changes: object = {}) => ({
    samId: SAM_ID,
    challenge: await challenge(),
    networkId: rig.anchor.networkId,
    maxUses: 500,
    maxTicks: 0,
    issuedAtMs: START_MS,
    ...changes,
  });
  const grant = async (changes: object = {}, key = rig.spKey): Promise<string> =>
    signUnlockGrant(key, await terms(changes)).toString('hex');
  const recorded: string[] = [];
  await rig.lease();
  for (let count = 0; count < 20; count += 1) {
    const genuine = await grant();
    recorded.push(genuine);
    await rig.askSam('unlockOnline', { grant: genuine });
    await rig.askSam('lock');
  }
  const accepted = await tryAll(
    {
      replayed: async () => recorded[randomInt(recorded.length)] ?? '',
      async stale() {
        const genuine = await grant();
        await challenge();
        return genuine;
      },
      async 'before the power went'() {
        const genuine = await grant();
        await rig.ask('powerOff');
        await rig.open();
        return genuine;
      },
      altered: async () => flip(await grant()),
      'for another device': () => grant({ samId: OTHER_DEVICE }),
      'for another network': () => grant({ networkId: randomBytes(16).toString('hex') }),
      'for a challenge of nobody': () => grant({ challenge: randomBytes(32).toString('hex') }),
      'under another key': () => grant({}, strangerToSp),
      'cut short': async () => {
        const genuine = await grant();
        return genuine.slice(0, 2 * randomInt(genuine.length / 2));
      },
      noise: async () => randomBytes(randomInt(1, 256)).toString('hex'),
    },
    // A SAM that opened for another network was shut, and the lease was ended.
    async () => {
      await rig.open();
      await rig.lease();
    },
    async (forged) => {
      await rig.askSam('unlockOnline', { grant: forged });
      return true;
    },
  );
  tellFigure({ name: 'forged-grants-accepted', value: accepted.length, unit: `of ${GENERATED}` });
  expect(accepted).toEqual([]);
  await rig.open();
  await rig.lease();
  await rig.unlock();
  expect((await rig.askSam('status')).state).toBe('unlocked-online');
}, 300_000);
