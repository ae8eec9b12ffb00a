import { afterEach, describe, expect, test } from 'vitest';
import { parseCardId } from '#card/card-id.ts';
import { readPerson } from '#drivers/simulated/people.ts';
import type { Caller } from './face.ts';
import { digits, type GatewayBench, MATCH, openGatewayBench, TEST_LIMITS } from './testdata/gateway-bench.ts';

let bench: GatewayBench;
afterEach(() => bench.close());

/** One person for each variant of the card. */
const PERSON = {
  'vendor-1': 'kakuu-ume',
  'vendor-2': 'mihon-taro',
  android: 'reiji-ken',
  iphone: 'reiji-mai',
  'next-generation': 'shiken-mirai',
} as const;

async function ready(options: Parameters<typeof openGatewayBench>[0] = {}): Promise<Caller> {
  bench = await openGatewayBench(options);
  return bench.signIn();
}

describe('a tap', () => {
  test.each(Object.entries(PERSON))('receives the holder of a %s card', async (variant, person) => {
    const caller = await ready();
    const card = bench.card(person);
    const visit = await bench.tap(caller, card);
    expect(visit).toMatchObject({
      outcome: 'accepted',
      mode: 'online',
      identifiedBy: 'organisation-authentication',
      certificate: { revocation: 'good' },
      faceCheck: MATCH,
      eligibility: { validity: 'valid', source: 'now' },
      visitRecord: 'queued',
      unresolved: ['patient-number'],
    });
    const algorithm = variant === 'next-generation' ? 'K' : 'R';
    expect(parseCardId(visit?.cardId ?? '').algorithm).toBe(algorithm);
    expect(visit?.alternateCardId === undefined).toBe(variant === 'next-generation');
    expect(card.isPowered).toBe(false);
    expect(bench.organisationKeyUses).toBe(1);
    expect(visit?.apdu.card.count).toBe(card.commands.length);
    expect(bench.gateway.snapshot().facts.samUsesLeft).toBe(bench.centre.maxUses - 1);
    expect(bench.records.at(-1)).toMatchObject({ kind: 'visit', revocation: 'good', eligibility: 'valid' });
  });

  test('knows the same card again, and gives another institution another ID', async () => {
    const caller = await ready();
    const first = await bench.tap(caller, bench.card('mihon-taro'));
    const second = await bench.tap(caller, bench.card('mihon-taro'));
    const other = await bench.tap(caller, bench.card('mihon-hanako'));
    expect(second?.cardId).toBe(first?.cardId);
    expect(second?.alternateCardId).toBe(first?.alternateCardId);
    expect(other?.cardId).not.toBe(first?.cardId);
  });

  test.each(['vendor-1', 'vendor-2', 'next-generation'] as const)(
    'shows the photo of a %s card while the face is compared, and not after',
    async (variant) => {
      const caller = await ready();
      const person = PERSON[variant];
      const card = bench.card(person);
      await bench.withCard(card, async () => {
        const numberB = readPerson(person).verificationNumberB;
        const { tapId, state, steps } = await bench.readCard(caller, { numberB });
        expect(state).toBe('faceCheck');
        expect(card.isPowered).toBe(false);
        expect(steps).toContainEqual(expect.objectContaining({ name: 'photo', state: 'done' }));
        const pictures = bench.gateway.tapPhoto(caller, tapId);
        for (const picture of [pictures?.photo, pictures?.name, pictures?.address]) {
          expect(
            Buffer.from(picture?.bytes ?? [])
              .subarray(1, 4)
              .toString(),
          ).toBe('PNG');
        }
        await bench.gateway.recordFaceCheck(caller, tapId, { method: 'card-photo', result: 'match' });
        expect(bench.gateway.tapPhoto(caller, tapId)).toBeUndefined();
      });
    },
  );

  test.each(['android', 'iphone'] as const)('an %s phone has no photo and is received', async (variant) => {
    const caller = await ready();
    const visit = await bench.tap(caller, bench.card(PERSON[variant]), { numberB: '55021720332285' });
    expect(visit).toMatchObject({ outcome: 'accepted' });
  });

  test('a wrong 照合番号B is a mistake, not a refusal; a blocked one is named', async () => {
    const caller = await ready();
    const card = bench.card('mihon-taro');
    const codes = [];
    for (let attempt = 0; attempt < 11; attempt += 1) {
      const visit = await bench.tap(caller, card, { numberB: '00000000000000' });
      expect(visit?.outcome).toBe('failed');
      codes.push(visit?.error);
    }
    expect(codes[0]).toBe('patient.security-code-wrong');
    expect(codes.at(-1)).toBe('patient.security-code-blocked');
  });

  test.each(['startTap', 'not found', 'cancelled', 'read'])(
    '照合番号B is overwritten whatever becomes of the tap: %s',
    async (how) => {
      const caller = await ready();
      const verificationNumberB = digits(readPerson('mihon-taro').verificationNumberB);
      const attributesPin = digits(readPerson('mihon-taro').pin);
      const request = {
        purpose: 'insurance-eligibility',
        includeLimitInfo: false,
        verificationNumberB,
        attributesPin,
      } as const;
      if (how === 'startTap') {
        await bench.gateway.signOut(caller);
        await expect(bench.gateway.startTap(caller, request)).rejects.toThrow();
      } else {
        const { tapId } = await bench.gateway.startTap(caller, request);
        if (how === 'cancelled') await bench.gateway.cancelTap(caller, tapId);
        else {
          if (how === 'read') bench.reader.insert(bench.card('mihon-taro'));
          await bench.gateway.decideConsent(caller, tapId, 'ok', 'button');
          if (how === 'not found') await bench.clock.advance(TEST_LIMITS.cardWaitMs);
          await bench.gateway.waitForTap(tapId, new AbortController().signal);
          if (how === 'read') await bench.gateway.cancelTap(caller, tapId);
          bench.reader.remove();
        }
      }
      expect(verificationNumberB).toEqual(new Uint8Array(14));
      expect(attributesPin).toEqual(new Uint8Array(4));
    },
  );
});

describe('consent', () => {
  test('refused: no card is touched, and the refusal is evidence', async () => {
    const caller = await ready();
    const card = bench.card('mihon-taro');
    await bench.withCard(card, async () => {
      const { tapId, consentText } = await bench.startTap(caller);
      expect(consentText.en).toContain('Sekisho Sample Clinic');
      await bench.gateway.decideConsent(caller, tapId, 'refused', 'screen');
      expect(bench.gateway.tapVisit(tapId)).toMatchObject({
        outcome: 'refused',
        error: 'tap.consent-refused',
        visitRecord: 'none',
      });
      await expect(bench.gateway.decideConsent(caller, tapId, 'ok', 'screen')).rejects.toMatchObject({
        code: 'tap.wrong-step',
      });
    });
    expect(card.commands).toEqual([]);
    expect(bench.organisationKeyUses).toBe(0);
  });

  test('counts once: who presses both buttons has decided with the first', async () => {
    const caller = await ready();
    const { tapId } = await bench.startTap(caller);
    const first = bench.gateway.decideConsent(caller, tapId, 'ok', 'screen');
    const second = bench.gateway.decideConsent(caller, tapId, 'refused', 'button');
    await expect(second).rejects.toMatchObject({ code: 'tap.wrong-step' });
    await first;
    expect(bench.records.filter(({ kind }) => kind === 'consent')).toHaveLength(1);
    await bench.gateway.cancelTap(caller, tapId);
  });

  test('that can not be written down is none, and may be given again', async () => {
    const caller = await ready();
    const { tapId } = await bench.startTap(caller);
    bench.refusesRecord = () => true;
    await expect(bench.gateway.decideConsent(caller, tapId, 'ok', 'screen')).rejects.toMatchObject({
      code: 'store.full',
    });
    expect(bench.gateway.tapProgress(tapId).state).toBe('waitingForConsent');
    bench.refusesRecord = () => false;
    await bench.gateway.decideConsent(caller, tapId, 'ok', 'screen');
    await bench.gateway.cancelTap(caller, tapId);
  });

  test('is waited for so long and no longer', async () => {
    const caller = await ready();
    const { tapId } = await bench.startTap(caller);
    await bench.clock.advance(TEST_LIMITS.consentTimeoutMs);
    expect(bench.gateway.tapProgress(tapId)).toMatchObject({ state: 'failed', error: 'tap.expired' });
    expect(bench.gateway.tapVisit(tapId)).toBeUndefined();
    await bench.gateway.cancelTap(caller, (await bench.startTap(caller)).tapId);
  });
});

describe('the counter', () => {
  test('takes one tap at a time', async () => {
    const caller = await ready();
    const { tapId } = await bench.startTap(caller);
    await expect(bench.startTap(caller)).rejects.toMatchObject({ code: 'tap.busy' });
    await bench.gateway.cancelTap(caller, tapId);
    await bench.gateway.cancelTap(caller, (await bench.startTap(caller)).tapId);
  });

  test('does not know a tap of long ago or of nobody', async () => {
    const caller = await ready();
    await expect(bench.gateway.cancelTap(caller, 'x')).rejects.toMatchObject({ code: 'tap.unknown' });
    expect(() => bench.gateway.tapProgress('x')).toThrow(expect.objectContaining({ code: 'tap.unknown' }));
  });

  test('a card that does not come ends the tap', async () => {
    const caller = await ready();
    const { tapId } = await bench.startTap(caller);
    await bench.gateway.decideConsent(caller, tapId, 'ok', 'screen');
    await bench.clock.advance(TEST_LIMITS.cardWaitMs);
    const { state, error } = await bench.gateway.waitForTap(tapId, new AbortController().signal);
    expect({ state, error }).toEqual({ state: 'failed', error: 'card.not-found' });
    expect(bench.gateway.tapVisit(tapId)).toMatchObject({ outcome: 'failed', error: 'card.not-found' });
  });

  test('a face that is not compared in time ends the tap without a visit accepted', async () => {
    const caller = await ready();
    await bench.withCard(bench.card('mihon-taro'), async () => {
      const { tapId } = await bench.readCard(caller);
      await bench.clock.advance(TEST_LIMITS.faceCheckTimeoutMs);
      const { error } = await bench.gateway.waitForTap(tapId, new AbortController().signal);
      expect(error).toBe('tap.expired');
      expect(bench.gateway.tapVisit(tapId)).toMatchObject({ outcome: 'failed', visitRecord: 'none' });
    });
  });

  test('cancelling works at every step and lets the card go', async () => {
    const caller = await ready();
    const waiting = await bench.startTap(caller);
    await bench.gateway.decideConsent(caller, waiting.tapId, 'ok', 'screen');
    await bench.gateway.cancelTap(caller, waiting.tapId);
    expect(bench.gateway.tapVisit(waiting.tapId)).toMatchObject({ error: 'tap.cancelled' });
    const card = bench.card('mihon-taro');
    await bench.withCard(card, async () => {
      const { tapId } = await bench.startTap(caller);
      const cancelled = new Promise((resolve) => {
        card.onCommand = () => resolve(bench.gateway.cancelTap(caller, tapId));
      });
      await bench.gateway.decideConsent(caller, tapId, 'ok', 'screen');
      await cancelled;
      expect(card.isPowered).toBe(false);
      expect(bench.gateway.tapVisit(tapId)).toMatchObject({ outcome: 'failed', error: 'tap.cancelled' });
    });
    await bench.tap(caller, bench.card('mihon-taro'));
  });

  test('one person may be read only so often a day', async () => {
    const caller = await ready({ limits: { tapsPerCardPerDay: 2 } });
    for (let count = 0; count < 2; count += 1) {
      expect(await bench.tap(caller, bench.card('mihon-taro'))).toMatchObject({ outcome: 'accepted' });
    }
    expect(await bench.tap(caller, bench.card('mihon-taro'))).toMatchObject({ error: 'tap.limit-reached' });
    expect(await bench.tap(caller, bench.card('mihon-hanako'))).toMatchObject({ outcome: 'accepted' });
    // A wall clock that is set, in whatever direction, gives nothing back.
    bench.clock.shiftWall(25 * 3_600_000);
    expect(await bench.tap(caller, bench.card('mihon-taro'))).toMatchObject({ error: 'tap.limit-reached' });
    bench.clock.shiftWall(-50 * 3_600_000);
    expect(await bench.tap(caller, bench.card('mihon-taro'))).toMatchObject({ error: 'tap.limit-reached' });
    bench.clock.shiftWall(25 * 3_600_000);
    // Another day; the operator has to sign in again.
    await bench.clock.advance(25 * 3_600_000);
    const next = await bench.signIn();
    expect(await bench.tap(next, bench.card('mihon-taro'))).toMatchObject({ outcome: 'accepted' });
  });

  test('a reading that came to nothing counts too', async () => {
    const caller = await ready({ limits: { tapsPerCardPerDay: 2 } });
    for (let count = 0; count < 2; count += 1) {
      const refused = await bench.tap(caller, bench.card('mihon-taro'), {
        faceCheck: { ...MATCH, result: 'mismatch' },
      });
      expect(refused).toMatchObject({ error: 'patient.face-mismatch' });
    }
    expect(await bench.tap(caller, bench.card('mihon-taro'))).toMatchObject({ error: 'tap.limit-reached' });
  });

  test('stops when the uses of the unlock are spent, and goes on after the next', async () => {
    const caller = await ready({ script: (centre) => (centre.maxUses = 2) });
    await bench.tap(caller, bench.card('mihon-taro'));
    await bench.tap(caller, bench.card('mihon-taro'));
    await expect(bench.startTap(caller)).rejects.toMatchObject({ code: 'sam.uses-exhausted' });
    await bench.gateway.unlockOnline(caller);
    expect(await bench.tap(caller, bench.card('mihon-taro'))).toMatchObject({ outcome: 'accepted' });
  });
});

describe('the face', () => {
  test('that does not match refuses the visit, and is evidence', async () => {
    const caller = await ready();
    const faceCheck = { method: 'printed-photo', result: 'mismatch' } as const;
    const visit = await bench.tap(caller, bench.card('mihon-taro'), { faceCheck });
    expect(visit).toMatchObject({
      outcome: 'refused',
      error: 'patient.face-mismatch',
      eligibility: { validity: 'unknown', results: [] },
      visitRecord: 'none',
    });
    expect(bench.records.at(-1)).toMatchObject({
      outcome: 'refused',
      faceCheck: { ...faceCheck, comparedBy: caller.operatorId },
    });
    expect(bench.store.visits.outboxWaiting()).toBe(0);
  });

  test('is compared once: the second answer comes too late to change the first', async () => {
    const caller = await ready();
    await bench.withCard(bench.card('mihon-taro'), async () => {
      const { tapId } = await bench.readCard(caller);
      const first = bench.gateway.recordFaceCheck(caller, tapId, MATCH);
      const second = bench.gateway.recordFaceCheck(caller, tapId, { ...MATCH, result: 'mismatch' });
      await expect(second).rejects.toMatchObject({ code: 'tap.wrong-step' });
      expect(await first).toMatchObject({ outcome: 'accepted', faceCheck: MATCH });
    });
  });

  test('can not be compared with a photo that nobody was shown', async () => {
    const caller = await ready();
    await bench.withCard(bench.card('mihon-taro'), async () => {
      const { tapId } = await bench.readCard(caller);
      const claim = { method: 'card-photo', result: 'match' } as const;
      await expect(bench.gateway.recordFaceCheck(caller, tapId, claim)).rejects.toMatchObject({
        code: 'tap.no-photo',
      });
      expect(await bench.gateway.recordFaceCheck(caller, tapId, MATCH)).toMatchObject({
        outcome: 'accepted',
      });
    });
  });

  test('a visit that can not be written down is not acknowledged, and the counter is free again', async () => {
    const caller = await ready();
    await bench.withCard(bench.card('mihon-taro'), async () => {
      const { tapId } = await bench.readCard(caller);
      bench.refusesRecord = ({ kind }) => kind === 'visit';
      await expect(bench.gateway.recordFaceCheck(caller, tapId, MATCH)).rejects.toMatchObject({
        code: 'store.full',
      });
      expect(bench.gateway.tapProgress(tapId)).toMatchObject({ state: 'failed', error: 'store.full' });
      // Nor is a failure that can not be written down a reason to keep the counter.
      const again = await bench.startTap(caller);
      await bench.gateway.decideConsent(caller, again.tapId, 'ok', 'screen');
      await bench.gateway.waitForTap(again.tapId, new AbortController().signal);
      await expect(bench.gateway.cancelTap(caller, again.tapId)).rejects.toMatchObject({
        code: 'store.full',
      });
      bench.refusesRecord = () => false;
    });
    expect(await bench.tap(caller, bench.card('mihon-taro'))).toMatchObject({ outcome: 'accepted' });
  });
});
