import { afterEach, describe, expect, test } from 'vitest';
import type { Caller } from './face.ts';
import { type GatewayBench, MATCH, openGatewayBench } from './testdata/gateway-bench.ts';

let bench: GatewayBench;
afterEach(() => bench.close());

async function ready(): Promise<Caller> {
  bench = await openGatewayBench();
  return bench.signIn();
}

describe('eligibility', () => {
  test('shows the last known state when the centre is silent, and what changed when it is back', async () => {
    const caller = await ready();
    const first = await bench.tap(caller, bench.card('mihon-taro'));
    expect(first?.eligibility).toMatchObject({ source: 'now', changes: [] });
    bench.centre.scripts.eligibility.behaviour = 'eligibility.unavailable';
    const second = await bench.tap(caller, bench.card('mihon-taro'));
    expect(second).toMatchObject({
      mode: 'degraded',
      eligibility: {
        source: 'last-known',
        validity: 'valid',
        reason: 'eligibility.unavailable',
        checkedAt: first?.eligibility.checkedAt,
        results: first?.eligibility.results,
      },
      unresolved: ['eligibility', 'patient-number'],
    });
    bench.centre.scripts.eligibility.behaviour = 'good';
    bench.centre.validity = '3';
    bench.centre.results = bench.centre.results.map((each) => ({
      ...each,
      DisqualificationDate: '20261101',
    }));
    const third = await bench.tap(caller, bench.card('mihon-taro'));
    expect(third?.eligibility).toMatchObject({
      source: 'now',
      validity: 'invalid-newer-exists',
      changes: ['DisqualificationDate', 'QualificationValidity'],
    });
  });

  test('is dated by its answer, not by the face check minutes later', async () => {
    const caller = await ready();
    await bench.withCard(bench.card('mihon-taro'), async () => {
      const { tapId } = await bench.readCard(caller);
      await new Promise(setImmediate);
      await bench.clock.advance(100_000);
      const visit = await bench.gateway.recordFaceCheck(caller, tapId, MATCH);
      const known = bench.store.visits.lastEligibility(visit.cardId ?? '');
      expect(known?.checkedAtMs).toBe(Date.parse(visit.eligibility.checkedAt ?? ''));
      expect(known?.checkedAtMs).toBe(bench.clock.nowMs() - 100_000);
    });
  });

  test('is none for a new patient when the centre is silent: the visit stays open, and works all the same', async () => {
    const caller = await ready();
    bench.centre.all = 'centre.unreachable';
    const visit = await bench.tap(caller, bench.card('mihon-taro'));
    expect(visit).toMatchObject({
      outcome: 'accepted',
      mode: 'offline',
      certificate: { revocation: 'unknown' },
      eligibility: { validity: 'unknown', source: 'none', reason: 'centre.unreachable' },
      unresolved: ['revocation', 'eligibility', 'patient-number'],
    });
  });

  test('is not waited for while the card is read, only when the visit is written', async () => {
    const caller = await ready();
    bench.centre.scripts.eligibility.behaviour = 'silent';
    await bench.withCard(bench.card('mihon-taro'), async () => {
      const { tapId, state } = await bench.readCard(caller);
      expect(state).toBe('faceCheck');
      const visit = bench.gateway.recordFaceCheck(caller, tapId, MATCH);
      bench.centre.scripts.eligibility.release();
      expect((await visit).eligibility.source).toBe('now');
    });
  });

  test('does not keep a tap that is cancelled meanwhile', async () => {
    const caller = await ready();
    bench.centre.scripts.eligibility.behaviour = 'silent';
    await bench.withCard(bench.card('mihon-taro'), async () => {
      const { tapId } = await bench.readCard(caller);
      await bench.gateway.cancelTap(caller, tapId);
      expect(bench.gateway.tapVisit(tapId)).toMatchObject({ error: 'tap.cancelled' });
    });
  });
});
