/** The keys in a SAM at work: our language against the simulated SAM, which others wrote from the same page. */
import { createHash, createHmac, createPublicKey, randomBytes, verify, X509Certificate } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CardChannel } from '#card/channel.ts';
import type { Suite } from '#card/suite.ts';
import { SimulatedReader } from '#drivers/simulated/channel.ts';
import type { Behaviour } from '#drivers/simulated/faults.ts';
import { SimulatedSam } from '#drivers/simulated/sam/simulated-sam.ts';
import { blankSamState } from '#drivers/simulated/sam/state.ts';
import type { Clock } from '#ports/clock.ts';
import { DataKeyRecipient } from './data-key-recipient.ts';
import { publicKeyOf } from './testdata/authorities.ts';
import { opensslVerifies, opensslWraps } from './testdata/openssl.ts';
import { grant, personalised, tap, unlocked } from './testdata/personalised-sam.ts';
import { scpKeys, vectorProfile } from './testdata/profile.ts';
import { fromHex } from './testdata/vectors.ts';
import { parseTickStamp, type TickStamp } from './tick-stamp.ts';

const { samId } = vectorProfile;
const lockedError = { code: 'sam.locked' };

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

describe('the organisation key', () => {
  it.each<[Suite, string]>([
    ['rsa-2048-sha256', 'organisation01'],
    ['p384-sha384', 'organisation02'],
  ])('signs the challenge of a %s card, and its certificate is readable', async (suite, key) => {
    const sam = await unlocked(channel);
    const request = tap(suite);
    const { signature, tapChallenge, useCounter, ticks } = await sam.signForCard(request);
    const publicKey = createPublicKey({ key: Buffer.from(publicKeyOf(key)), format: 'der', type: 'spki' });
    const rsa = suite === 'rsa-2048-sha256';
    const verifier = rsa ? publicKey : ({ key: publicKey, dsaEncoding: 'ieee-p1363' } as const);
    expect(verify(rsa ? 'sha256' : 'sha384', request.cardChallenge, verifier, signature)).toBe(true);
    expect(Buffer.from(await sam.organisationCertificate(suite))).toEqual(
      Buffer.from(vectorProfile.organisation[suite]!.certificate),
    );

    const numbers = Buffer.alloc(12);
    numbers.writeUInt32BE(useCounter);
    numbers.writeBigUInt64BE(ticks, 4);
    const preimage = [
      Buffer.from('SEKISHO-TAP-1'),
      Buffer.from(samId, 'hex'),
      numbers.subarray(0, 4),
      request.tapId,
      request.consentDigest,
      request.cardChallenge,
      numbers.subarray(4),
      sam.tickNonce,
    ];
    expect(Buffer.from(tapChallenge)).toEqual(createHash('sha256').update(Buffer.concat(preimage)).digest());
  });

  it('is counted, and refused past the limit until unlocked anew', async () => {
    const sam = await unlocked(channel, { maxUses: 2 });
    expect((await sam.signForCard(tap())).useCounter).toBe(1);
    expect((await sam.signForCard(tap())).useCounter).toBe(2);
    await expect(sam.signForCard(tap())).rejects.toMatchObject({ code: 'sam.uses-exhausted' });
    expect(await sam.status()).toMatchObject({ useCounter: 2, usesLeft: 0 });
    await sam.unlockOnline(await grant(sam));
    expect((await sam.signForCard(tap())).useCounter).toBe(3);
  });

  it('and all that belongs to it is closed while locked', async () => {
    const sam = await unlocked(channel);
    await sam.lock();
    await expect(sam.signForCard(tap())).rejects.toMatchObject(lockedError);
    await expect(sam.organisationCertificate('rsa-2048-sha256')).rejects.toMatchObject(lockedError);
    await expect(sam.deriveId(randomBytes(32))).rejects.toMatchObject(lockedError);
    await expect(sam.generateDataKey()).rejects.toMatchObject(lockedError);
    const { point } = new DataKeyRecipient(Buffer.from(samId, 'hex'));
    await expect(sam.unwrapDataKey(point, randomBytes(40))).rejects.toMatchObject(lockedError);
    await sam.lock();
  });
});

describe('keys for the clinic', () => {
  it('derives the same ID from the same serial digest, as HMAC over the institution', async () => {
    const sam = await unlocked(channel);
    const data = randomBytes(32);
    const label = `SEKISHO-ID-1${vectorProfile.institutionCode}`;
    const expected = createHmac('sha256', vectorProfile.idDerivationKey).update(label).update(data).digest();
    expect(Buffer.from(await sam.deriveId(data))).toEqual(expected);
  });

  const makeRecipient = () => new DataKeyRecipient(Buffer.from(samId, 'hex'));

  it('makes data keys, and gives each out as openssl unwraps it, also one that was wrapped elsewhere', async () => {
    const sam = await unlocked(channel);
    const elsewhere = opensslWraps(vectorProfile.storageKey, randomBytes(32));
    const made = [await sam.generateDataKey(), await sam.generateDataKey()];
    expect(made[0]).not.toEqual(made[1]);
    for (const wrapped of [...made, elsewhere]) {
      const recipient = makeRecipient();
      const secret = recipient.open(wrapped, await sam.unwrapDataKey(recipient.point, wrapped));
      expect(secret).toHaveLength(32);
      expect(Buffer.from(opensslWraps(vectorProfile.storageKey, secret))).toEqual(Buffer.from(wrapped));
    }
  });

  it('seals a data key anew for each who asks, and to nobody else', async () => {
    const sam = await unlocked(channel);
    const [wrapped, recipient] = [await sam.generateDataKey(), makeRecipient()];
    const answers = [
      await sam.unwrapDataKey(recipient.point, wrapped),
      await sam.unwrapDataKey(recipient.point, wrapped),
    ] as const;
    expect(answers[0].samPoint).not.toEqual(answers[1].samPoint);
    expect(recipient.open(wrapped, answers[0])).toEqual(recipient.open(wrapped, answers[1]));
    expect(() => makeRecipient().open(wrapped, answers[0])).toThrow(
      expect.objectContaining({ code: 'sam.failed' }),
    );
  });

  it('gives out neither a spoilt key nor one for a point off the curve', async () => {
    const sam = await unlocked(channel);
    const { point } = makeRecipient();
    const wrapped = await sam.generateDataKey();
    const spoilt = wrapped.map((byte, index) => (index === 7 ? byte ^ 1 : byte));
    await expect(sam.unwrapDataKey(point, spoilt)).rejects.toMatchObject({ code: 'sam.failed' });
    const offCurve = point.map((byte, index) => (index === 64 ? byte ^ 1 : byte));
    await expect(sam.unwrapDataKey(offCurve, wrapped)).rejects.toMatchObject({ code: 'sam.failed' });
  });
});

describe('tick stamps', () => {
  it('verify with the device certificate, also while locked, says openssl', async () => {
    const sam = await personalised(channel);
    nowMs += 5_000;
    const digest = randomBytes(32);
    const { stamp, signature } = await sam.tickStamp(digest);
    const { publicKey } = new X509Certificate(await sam.deviceCertificate());
    const spki = publicKey.export({ format: 'der', type: 'spki' });
    const facts = parseTickStamp(fromHex(stamp));
    expect(facts).toMatchObject({ samId, useCounter: 0 });
    expect(Buffer.from(facts.digest)).toEqual(digest);
    expect(facts.ticks).toBe((await sam.status()).ticks);
    const verifies = (given: TickStamp): boolean =>
      opensslVerifies({
        message: fromHex(given.stamp),
        signature: fromHex(given.signature),
        spki,
        digest: 'sha256',
      });
    expect(verifies({ stamp, signature })).toBe(true);
    nowMs += 5_000;
    const later = await sam.tickStamp(digest);
    expect(verifies(later)).toBe(true);
    expect(parseTickStamp(fromHex(later.stamp)).ticks).toBe(facts.ticks + 5n);
  });
});

describe('a broken line', () => {
  it('is sam.absent when the SAM is pulled in the middle of a tap', async () => {
    const sam = await unlocked(channel);
    reader.remove();
    await expect(sam.signForCard(tap())).rejects.toMatchObject({ code: 'sam.absent' });
  });

  it.each<[string, (answer: Uint8Array) => Uint8Array]>([
    ['cut off', (answer) => answer.subarray(0, 1)],
    ['without its last object', (answer) => Buffer.concat([answer.subarray(0, 50), answer.subarray(-2)])],
    ['changed in one bit', (answer) => answer.map((byte, index) => (index === 20 ? byte ^ 1 : byte))],
    ['longer than it says', (answer) => Buffer.concat([Uint8Array.of(0), answer])],
  ])('is sam.failed when the answer is %s', async (name, spoil) => {
    const sam = await unlocked(channel);
    const fault: Behaviour = {
      name,
      handle: (exchange) => exchange.run().then((bytes) => ({ kind: 'answer', bytes: spoil(bytes) })),
    };
    reader.faults.push(fault);
    await expect(sam.signForCard(tap())).rejects.toMatchObject({ code: 'sam.failed' });
  });
});
