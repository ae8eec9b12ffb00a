/** The life of a SAM: our language against the simulated SAM, which others wrote from the same page. */
import { randomBytes, X509Certificate } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CardChannel } from '#card/channel.ts';
import { SimulatedReader } from '#drivers/simulated/channel.ts';
import { removeAfterApdus } from '#drivers/simulated/faults.ts';
import { SimulatedSam } from '#drivers/simulated/sam/simulated-sam.ts';
import { blankSamState } from '#drivers/simulated/sam/state.ts';
import type { Clock } from '#ports/clock.ts';
import { systemRandom } from '#ports/random.ts';
import { personaliseSam } from './personalise.ts';
import { openSam } from './sam.ts';
import { disableOrder, grantBy, rosterUpdate, type Unlock } from './testdata/authorities.ts';
import { opensslVerifies } from './testdata/openssl.ts';
import {
  grant,
  NETWORK,
  personalised,
  TWO_OPERATORS,
  tap,
  unlockByOperator,
  unlocked,
  withRoster,
} from './testdata/personalised-sam.ts';
import { scpKeys, staticKeys, vectorProfile } from './testdata/profile.ts';

const WRONG_NETWORK = new Uint8Array(16).fill(0x5a);
const { samId } = vectorProfile;
const lockedError = { code: 'sam.locked' };
const refused = { code: 'sam.unlock-refused' };

let nowMs: number;
let simulated: SimulatedSam;
let reader: SimulatedReader;
let channel: CardChannel;

/** The SAM's tick oscillator stands still unless a test moves it. */
const clock: Clock = { nowMs: () => nowMs, monotonicMs: () => nowMs, sleep: () => Promise.resolve() };

const powerUp = (): Promise<CardChannel> => reader.waitForCard(new AbortController().signal);

beforeEach(async () => {
  nowMs = 1_000_000;
  simulated = new SimulatedSam({ clock, state: blankSamState(scpKeys) });
  reader = new SimulatedReader({ name: 'simulated:sam' });
  reader.insert(simulated);
  channel = await powerUp();
});

afterEach(async () => {
  await channel.close();
  await reader.close();
});

describe('personalising', () => {
  it('turns a blank SAM into the SAM of the institution, locked', async () => {
    const blank = await openSam(channel);
    expect(await blank.status()).toMatchObject({ state: 'blank', samId: '0000000000000000' });
    await expect(blank.challenge().then(() => blank.institutionCode())).rejects.toMatchObject({
      code: 'sam.failed',
    });

    const sam = await personalised(channel);
    expect(sam.samId).toBe(samId);
    expect(await sam.status()).toMatchObject({
      state: 'locked',
      useCounter: 0,
      usesLeft: 0,
      rosterVersion: 0,
      tickPeriodMs: 1000,
      networkId: undefined,
    });
    expect(await sam.institutionCode()).toBe(vectorProfile.institutionCode);
    expect(await sam.profileId()).toBe('sekisho-ref-1');
  });

  it('gives a device certificate for the key that is inside, as openssl sees it', async () => {
    const sam = await personalised(channel);
    const { publicKey, subject } = new X509Certificate(await sam.deviceCertificate());
    expect(subject).toBe(`CN=${samId}`);
    const data = randomBytes(32);
    const signature = await sam.signDeviceProof(data);
    const message = Buffer.concat([Buffer.from('SEKISHO-DEVICE-1'), data]);
    const spki = publicKey.export({ format: 'der', type: 'spki' });
    expect(opensslVerifies({ message, signature, spki, digest: 'sha256' })).toBe(true);
    expect(opensslVerifies({ message: data, signature, spki, digest: 'sha256' })).toBe(false);
  });

  it('is refused with wrong static keys', async () => {
    const wrong = { ...staticKeys, mac: new Uint8Array(16) };
    const attempt = personaliseSam(channel, { staticKeys: wrong, random: systemRandom });
    await expect(attempt).rejects.toMatchObject({ code: 'sam.personalisation-failed' });
  });

  it('leaves the SAM as it was when it breaks off before the commit', async () => {
    const session = await personaliseSam(channel, { staticKeys, random: systemRandom });
    const commandsSoFar = 4;
    reader.faults.push(removeAfterApdus(commandsSoFar + 3));
    await expect(session.finish(vectorProfile)).rejects.toMatchObject({ code: 'sam.absent' });
    reader.faults.length = 0;
    await channel.close();
    reader.insert(simulated);
    channel = await powerUp();
    expect(await (await openSam(channel)).status()).toMatchObject({ state: 'blank' });
  });

  it('again keeps the use counter and forgets the roster', async () => {
    const sam = await unlocked(channel);
    await sam.signForCard(tap());
    await sam.updateRoster(rosterUpdate(samId, 9, TWO_OPERATORS));
    const again = await personalised(channel);
    expect(await again.status()).toMatchObject({ state: 'locked', useCounter: 1, rosterVersion: 0 });
  });
});

describe('unlocking online', () => {
  it('opens for the network and the uses that the SP granted', async () => {
    const sam = await unlocked(channel, { maxUses: 500 });
    const { state, networkId, usesLeft } = await sam.status();
    expect({ state, usesLeft }).toEqual({ state: 'unlocked-online', usesLeft: 500 });
    expect(Buffer.from(networkId!)).toEqual(Buffer.from(NETWORK));
  });

  it('refuses a grant that was used before, and one for an older challenge', async () => {
    const sam = await personalised(channel);
    const first = await grant(sam);
    await sam.unlockOnline(first);
    await expect(sam.unlockOnline(first)).rejects.toMatchObject(refused);
    const older = await grant(sam);
    await sam.challenge();
    await expect(sam.unlockOnline(older)).rejects.toMatchObject(refused);
  });

  it('uses up the challenge with a refused grant', async () => {
    const sam = await personalised(channel);
    const challenge = await sam.challenge();
    const unlock = { samId, challenge, networkId: NETWORK, maxUses: 3 };
    await expect(sam.unlockOnline(grantBy('operatorP384', unlock))).rejects.toMatchObject(refused);
    await expect(sam.unlockOnline(grantBy('serviceProvider', unlock))).rejects.toMatchObject(refused);
    expect(await sam.status()).toMatchObject({ state: 'locked' });
  });

  it.each<[string, Partial<Unlock>, string?]>([
    ['for another SAM', { samId: '5345534b00000002' }],
    ['with another challenge', { challenge: new Uint8Array(32) }],
    ['signed by somebody else', {}, 'device'],
  ])('refuses a grant %s', async (_, change, key) => {
    const sam = await personalised(channel);
    await expect(sam.unlockOnline(await grant(sam, change, key))).rejects.toMatchObject(refused);
    expect(await sam.status()).toMatchObject({ state: 'locked' });
  });

  it('refuses a grant with any part missing', async () => {
    const sam = await personalised(channel);
    const whole = await grant(sam);
    await expect(sam.unlockOnline(whole.subarray(0, -1))).rejects.toMatchObject(refused);
  });

  it('ends with the power, and with a new opening', async () => {
    await unlocked(channel);
    expect(await (await openSam(channel)).status()).toMatchObject({ state: 'locked' });
    const sam = await unlocked(channel);
    await sam.close();
    channel = await powerUp();
    expect(await (await openSam(channel)).status()).toMatchObject({ state: 'locked' });
  });

  it('ends by itself after the granted ticks', async () => {
    const sam = await unlocked(channel, { maxTicks: 10 });
    nowMs += 9_000;
    await sam.signForCard(tap());
    nowMs += 2_000;
    await expect(sam.signForCard(tap())).rejects.toMatchObject(lockedError);
    expect(await sam.status()).toMatchObject({ state: 'locked' });
  });
});

describe('unlocking offline by an operator', () => {
  it.each(TWO_OPERATORS)('opens with the card of $key, within the offline limits', async ({ key }) => {
    const sam = await withRoster(channel);
    await unlockByOperator(sam, key);
    expect(await sam.status()).toMatchObject({
      state: 'unlocked-offline',
      usesLeft: vectorProfile.offlineLimits.maxUses,
      rosterVersion: 1,
    });
  });

  it('refuses an unknown operator, a suspended one, and a signature for another network', async () => {
    const sam = await withRoster(channel, 1, [
      { key: 'operatorRsa', roles: 0x81 },
      { key: 'operatorP384', roles: 4 },
    ]);
    await expect(unlockByOperator(sam, 'operatorRsa')).rejects.toMatchObject(refused);
    await expect(unlockByOperator(sam, 'root01')).rejects.toMatchObject(refused);
    await expect(unlockByOperator(sam, 'operatorP384', WRONG_NETWORK)).rejects.toMatchObject(refused);
    expect(await sam.status()).toMatchObject({ state: 'locked' });
  });

  it('takes newer rosters only, signed by the SP, for this SAM', async () => {
    const sam = await withRoster(channel, 5);
    const rejected = { code: 'sam.roster-rejected' };
    await expect(sam.updateRoster(rosterUpdate(samId, 5, []))).rejects.toMatchObject(rejected);
    await expect(sam.updateRoster(rosterUpdate(samId, 4, []))).rejects.toMatchObject(rejected);
    const foreign = rosterUpdate('5345534b00000002', 6, []);
    await expect(sam.updateRoster(foreign)).rejects.toMatchObject(rejected);
    const spoilt = Uint8Array.from(rosterUpdate(samId, 6, TWO_OPERATORS));
    spoilt[20] = (spoilt[20] ?? 0) ^ 1;
    await expect(sam.updateRoster(spoilt)).rejects.toMatchObject(rejected);
    await sam.updateRoster(rosterUpdate(samId, 6, []));
    expect(await sam.status()).toMatchObject({ rosterVersion: 6 });
    await expect(unlockByOperator(sam, 'operatorRsa')).rejects.toMatchObject(refused);
  });

  it('takes a roster of a hundred operators in one command', async () => {
    const many = Array.from({ length: 100 }, () => ({ key: 'operatorRsa', roles: 8 }));
    const sam = await personalised(channel);
    await sam.updateRoster(rosterUpdate(samId, 1, many));
    await unlockByOperator(sam, 'operatorRsa');
  });
});

describe('disabling', () => {
  it('by the SP kills everything but status until personalised again', async () => {
    const sam = await unlocked(channel);
    const order = disableOrder(samId, await sam.challenge());
    await sam.disable(order);
    const disabled = { code: 'sam.disabled' };
    expect(await sam.status()).toMatchObject({ state: 'disabled' });
    await expect(sam.signForCard(tap())).rejects.toMatchObject(disabled);
    await expect(sam.signDeviceProof(randomBytes(32))).rejects.toMatchObject(disabled);
    await expect(sam.tickStamp(randomBytes(32))).rejects.toMatchObject(disabled);
    await expect(
      sam
        .challenge()
        .then(() => grant(sam))
        .then((it) => sam.unlockOnline(it)),
    ).rejects.toMatchObject(disabled);
    await sam.close();
    channel = await powerUp();
    expect(await (await openSam(channel)).status()).toMatchObject({ state: 'disabled' });
    expect(await (await personalised(channel)).status()).toMatchObject({ state: 'locked' });
  });

  it('is refused with a used challenge, or an order for another SAM', async () => {
    const sam = await personalised(channel);
    const challenge = await sam.challenge();
    const order = disableOrder(samId, challenge);
    await expect(
      sam.unlockOnline(grantBy('device', { samId, challenge, networkId: NETWORK, maxUses: 1 })),
    ).rejects.toMatchObject(refused);
    await expect(sam.disable(order)).rejects.toMatchObject(refused);
    const foreign = disableOrder('5345534b00000002', await sam.challenge());
    await expect(sam.disable(foreign)).rejects.toMatchObject(refused);
    expect(await sam.status()).toMatchObject({ state: 'locked' });
  });
});
