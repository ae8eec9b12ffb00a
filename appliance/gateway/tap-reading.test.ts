import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { openCentrePki } from '#centre/pki/authority.ts';
import {
  issueOrganisationCertificate,
  type OrganisationRequest,
} from '#centre/pki/organisation-certificate.ts';
import { CLINIC } from '#clinic/identity.ts';
import { issueWallet } from '#clinic/wallet.ts';
import type { Visit } from '#contract/visit.ts';
import { cloneWithKey } from '#drivers/simulated/clone.ts';
import {
  answerOnce,
  type Behaviour,
  garbleAnswer,
  oversizeAnswer,
  removeAfterApdus,
  removeMidApdu,
  slow,
  truncateAnswer,
  twoCards,
} from '#drivers/simulated/faults.ts';
import { testRsaKey } from '#drivers/simulated/keys/test-keys.ts';
import { readPerson } from '#drivers/simulated/people.ts';
import type { SamState } from '#drivers/simulated/sam/state.ts';
import type { Caller } from './face.ts';
import { type GatewayBench, openGatewayBench, type TapWish, TEST_LIMITS } from './testdata/gateway-bench.ts';
import { publicKeyOf, START_MS, spareKey, testRegion } from './testdata/region.ts';

let bench: GatewayBench;
let caller: Caller;
afterEach(() => bench.close());

const NUMBER_B = readPerson('mihon-taro').verificationNumberB;

async function open(options: Parameters<typeof openGatewayBench>[0] = {}): Promise<void> {
  bench = await openGatewayBench({ limits: { tapsPerCardPerDay: 1_000 }, ...options });
  caller = await bench.signIn();
}

/** How many APDUs an undisturbed tap takes, and the ID it finds. */
async function undisturbed(person: string, wish: TapWish = {}): Promise<{ apdus: number; cardId: string }> {
  const visit = await bench.tap(caller, bench.card(person), wish);
  if (visit?.cardId === undefined) throw new Error('the undisturbed tap failed');
  return { apdus: visit.apdu.card.count, cardId: visit.cardId };
}

async function tapWithFault(
  person: string,
  fault: Behaviour,
  wish: TapWish = {},
): Promise<Visit | undefined> {
  const card = bench.card(person);
  bench.reader.faults.push(fault);
  const visit = await bench.tap(caller, card, wish);
  bench.reader.faults.length = 0;
  expect(card.isPowered, fault.name).toBe(false);
  return visit;
}

/** The counter is as it was: the next patient is received. */
async function expectNextPatient(): Promise<void> {
  expect(await bench.tap(caller, bench.card('mihon-hanako'))).toMatchObject({ outcome: 'accepted' });
}

describe('the card leaves', () => {
  test.each(['mihon-taro', 'reiji-ken', 'shiken-mirai'])(
    'before or during any APDU of the tap of %s: nobody is received, and the next one is',
    async (person) => {
      await open();
      const { apdus } = await undisturbed(person);
      for (let index = 1; index <= apdus; index += 1) {
        for (const fault of [removeAfterApdus(index - 1), removeMidApdu(index)]) {
          const visit = await tapWithFault(person, fault);
          expect(visit, fault.name).toMatchObject({ outcome: 'failed', error: 'card.removed' });
          expect(visit?.visitRecord).toBe('none');
        }
        await expectNextPatient();
      }
    },
  );

  test('before any APDU of the photo', async () => {
    await open();
    const { apdus: withoutPhoto } = await undisturbed('mihon-taro');
    const { apdus } = await undisturbed('mihon-taro', { numberB: NUMBER_B });
    expect(apdus).toBeGreaterThan(withoutPhoto + 10);
    const outcomes = [];
    for (let index = withoutPhoto + 1; index <= apdus; index += 1) {
      const visit = await tapWithFault('mihon-taro', removeAfterApdus(index - 1), { numberB: NUMBER_B });
      const missing = { outcome: 'accepted', cardAttributesMissing: 'card.removed' };
      // Attributes come last: without them there is still a visit.
      expect(visit).toMatchObject(
        visit?.outcome === 'accepted' ? missing : { outcome: 'failed', error: 'card.removed' },
      );
      outcomes.push(visit?.outcome);
    }
    expect(outcomes).toEqual(outcomes.toSorted().toReversed());
    expect(new Set(outcomes).size).toBe(2);
    await expectNextPatient();
  });
});

describe('a wrong answer', () => {
  const FAULTS: Record<string, (index: number) => Behaviour> = {
    'cut to one byte': (index) => truncateAnswer(index, 1),
    'cut to two bytes': (index) => truncateAnswer(index, 2),
    'cut to a third': (index) => truncateAnswer(index, 85),
    'too long': (index) => oversizeAnswer(index),
    garbled: (index) => garbleAnswer(index),
    'an unknown status': (index) => answerOnce(0x6f42, index),
    'empty where data should be': (index) => answerOnce(0x9000, index),
  };

  test.each(Object.keys(FAULTS))('at any APDU is a typed error or does no harm: %s', async (name) => {
    const fault = FAULTS[name];
    await open();
    for (const person of ['mihon-taro', 'shiken-mirai']) {
      const { apdus, cardId } = await undisturbed(person);
      for (let index = 1; index <= apdus; index += 1) {
        const visit = await tapWithFault(person, fault!(index));
        if (visit?.outcome === 'accepted') expect(visit.cardId).toBe(cardId);
        else expect(visit?.error).toMatch(/^card\.|^patient\.certificate-untrusted$/);
      }
      await expectNextPatient();
    }
  });

  test('within the photo is a typed error, or a picture that the clerk can judge', async () => {
    await open();
    const { apdus: first } = await undisturbed('mihon-taro');
    const { apdus } = await undisturbed('mihon-taro', { numberB: NUMBER_B });
    for (let index = first + 1; index <= apdus; index += 3) {
      for (const fault of [garbleAnswer(index), truncateAnswer(index, 2), oversizeAnswer(index)]) {
        const visit = await tapWithFault('mihon-taro', fault, { numberB: NUMBER_B });
        if (visit?.outcome !== 'accepted') expect(visit?.error).toMatch(/^card\.|^patient\.security-code/);
      }
    }
    await expectNextPatient();
  });

  test('none at all, at any APDU: the card is given up after its time', async () => {
    await open();
    const { apdus } = await undisturbed('mihon-taro');
    for (let index = 1; index <= apdus; index += 1) {
      let reached = (): void => {};
      const silence = new Promise<void>((resolve) => {
        reached = resolve;
      });
      const mute: Behaviour = {
        name: `mute ${index}`,
        handle: ({ count }) => {
          if (count < index) return undefined;
          reached();
          return Promise.resolve({ kind: 'mute' });
        },
      };
      const tapping = tapWithFault('mihon-taro', mute);
      await silence;
      await bench.clock.advance(TEST_LIMITS.cardAnswerMs);
      expect(await tapping).toMatchObject({ outcome: 'failed', error: 'card.mute' });
    }
    await expectNextPatient();
  });

  test('that comes late every time ends the tap at its deadline', async () => {
    await open({ limits: { tapTimeoutMs: 10_000, tapsPerCardPerDay: 10 } });
    let isOver = false;
    const tapping = tapWithFault('mihon-taro', slow(TEST_LIMITS.cardAnswerMs - 100)).finally(() => {
      isOver = true;
    });
    while (!isOver) {
      await bench.clock.advance(100);
      await new Promise(setImmediate);
    }
    expect(await tapping).toMatchObject({ outcome: 'failed', error: 'tap.expired' });
    await expectNextPatient();
    // The card that was let go finishes its last answer for itself.
    await bench.clock.advance(TEST_LIMITS.cardAnswerMs);
  });
});

test('two cards at once are neither', async () => {
  await open();
  expect(await tapWithFault('mihon-taro', twoCards())).toMatchObject({ error: 'card.collision' });
  bench.reader.insert(bench.card('mihon-hanako'));
  expect(await bench.tap(caller, bench.card('mihon-taro'))).toMatchObject({ error: 'card.collision' });
  bench.reader.remove();
  await expectNextPatient();
});

test('an operator card on the reader is not a patient', async () => {
  await open();
  expect(await bench.tap(caller, bench.card('kakuu-ishi'))).toMatchObject({
    error: 'card.not-my-number-card',
  });
  await expectNextPatient();
});

describe('a card that is not what it says', () => {
  test.each(['mihon-taro', 'reiji-mai', 'shiken-mirai'])(
    'the clone of %s has the certificate and not the key',
    async (person) => {
      await open();
      const image = bench.region.wallet.get(person)?.image;
      const key =
        person === 'shiken-mirai'
          ? generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey
          : spareKey();
      const visit = await bench.tap(caller, bench.card(person, cloneWithKey(image!, key)));
      expect(visit).toMatchObject({ outcome: 'refused', error: 'card.not-genuine' });
      expect(visit?.cardId).toBeUndefined();
      expect(bench.centre.scripts.eligibility.calls).toBe(0);
      await expectNextPatient();
    },
  );

  test('a certificate of somebody else, well signed by nobody we know', async () => {
    await open();
    const folder = mkdtempSync(join(tmpdir(), 'sekisho-foreign-'));
    let next = 25;
    const foreign = openCentrePki(folder, { rsaKey: () => testRsaKey(next++) });
    const { pki } = bench.region;
    const forged = issueWallet({ ...pki, jpkiAuthentication: foreign.jpkiAuthentication }, () => ({
      serial: '1000000000000999',
      notBeforeMs: START_MS - 1_000_000,
      notAfterMs: START_MS + 1_000_000_000,
    }));
    rmSync(folder, { recursive: true });
    const card = bench.card('mihon-taro', forged.get('mihon-taro')?.image);
    const visit = await bench.tap(caller, card);
    expect(visit).toMatchObject({ outcome: 'refused', error: 'patient.certificate-untrusted' });
    expect(card.commands.filter(({ ins }) => ins === 0x2a)).toEqual([]);
    expect(bench.centre.scripts.revocation.calls + bench.centre.scripts.eligibility.calls).toBe(1);
  });
});

describe('the certificate of the patient', () => {
  const valid = (fromMs: number, toMs: number) => () => ({
    serial: '1000000000000888',
    notBeforeMs: START_MS + fromMs,
    notAfterMs: START_MS + toMs,
  });

  test('has expired', async () => {
    await open();
    const expired = bench.region.reissue(valid(-2_000_000_000, -1_000));
    const card = bench.card('mihon-taro', expired.get('mihon-taro')?.image);
    expect(await bench.tap(caller, card)).toMatchObject({
      outcome: 'refused',
      error: 'patient.certificate-expired',
    });
    // It ends before the card signs anything.
    expect(card.commands.filter(({ ins }) => ins === 0x2a)).toEqual([]);
  });

  test('expires soon, and the patient is told', async () => {
    await open();
    const soon = bench.region.reissue(valid(-2_000_000_000, 30.5 * 86_400_000));
    const visit = await bench.tap(caller, bench.card('mihon-taro', soon.get('mihon-taro')?.image));
    expect(visit).toMatchObject({ outcome: 'accepted', certificate: { expiresInDays: 30 } });
  });

  test.each([
    ['affiliation-changed', 'patient.revoked-affiliation-changed'],
    ['hold', 'patient.revoked-hold'],
    ['superseded', 'patient.revoked-superseded'],
    ['cessation', 'patient.revoked-cessation'],
    ['key-compromise', 'patient.revoked-key-compromise'],
    ['other', 'patient.revoked-other'],
  ] as const)('is revoked (%s): the patient is told which', async (reason, error) => {
    await open();
    bench.centre.revokedFor = reason;
    const visit = await bench.tap(caller, bench.card('mihon-taro'));
    expect(visit).toMatchObject({ outcome: 'refused', error, eligibility: { results: [] } });
    expect(bench.records.at(-1)).toMatchObject({ revocation: 'revoked', outcome: 'refused' });
    bench.centre.revokedFor = undefined;
    await expectNextPatient();
  });

  test('has an unknown status: the patient is received, the question stays open', async () => {
    await open();
    bench.centre.scripts.revocation.behaviour = 'revocation.unknown';
    const visit = await bench.tap(caller, bench.card('mihon-taro'));
    expect(visit).toMatchObject({
      outcome: 'accepted',
      mode: 'degraded',
      certificate: { revocation: 'unknown' },
      unresolved: ['revocation', 'patient-number'],
    });
    const [unresolved] = await bench.gateway.unresolvedVisits(caller);
    expect(unresolved).toMatchObject({ open: ['patient-number', 'revocation'], attempts: 0 });
  });

  test('is waited for with the field off, before anybody is shown a face', async () => {
    await open();
    bench.centre.scripts.revocation.behaviour = 'silent';
    bench.centre.revokedFor = 'hold';
    const card = bench.card('mihon-taro');
    const tapping = bench.tap(caller, card);
    await bench.untilSnapshot(() => card.commands.length > 3 && !card.isPowered);
    expect(bench.gateway.snapshot().tap?.state).toBe('reading');
    bench.centre.scripts.revocation.release();
    expect(await tapping).toMatchObject({ error: 'patient.revoked-hold' });
  });
});

describe('the card does not accept the organisation', () => {
  async function samWith(request: Partial<OrganisationRequest>): Promise<SamState> {
    const { pki, samState } = await testRegion();
    const state = structuredClone(samState);
    const organisation = state.personalisation?.organisation['01'];
    if (organisation === undefined) throw new Error('no organisation key');
    const certificate = issueOrganisationCertificate(pki, {
      publicKey: publicKeyOf(testRsaKey(19)),
      institutionCode: CLINIC.institutionCode,
      ...request,
    });
    Object.assign(organisation, { certificate: certificate.toString('base64') });
    return state;
  }

  test.each([
    ['it has expired', { expires: { year: 2026, month: 10 } }],
    ['it is for another key', { publicKey: publicKeyOf(spareKey()) }],
  ])('whose certificate is wrong: %s', async (_, request) => {
    await open({ samState: await samWith(request) });
    const card = bench.card('mihon-taro');
    const visit = await bench.tap(caller, card);
    expect(visit).toMatchObject({ outcome: 'failed', error: 'card.organisation-rejected' });
    expect(card.commands.filter(({ ins }) => ins === 0x2a)).toEqual([]);
  });

  test('whose certificate another root signed', async () => {
    const state = await samWith({});
    const organisation = state.personalisation?.organisation['01'];
    const bytes = Buffer.from(organisation?.certificate ?? '', 'base64');
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
    Object.assign(organisation!, { certificate: bytes.toString('base64') });
    await open({ samState: state });
    expect(await bench.tap(caller, bench.card('mihon-taro'))).toMatchObject({
      error: 'card.organisation-rejected',
    });
  });
});
