import { createPublicKey, verify } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EvidenceRecord } from '#evidence/record.ts';
import type { Caller, PermitWish } from './face.ts';
import { type GatewayBench, openGatewayBench } from './testdata/gateway-bench.ts';

const ADMINISTRATOR = 'kakuu-jimu';
const NURSE = 'kakuu-kango';
const DOCTOR = 'kakuu-ishi';
const HOUR_MS = 3_600_000;

let bench: GatewayBench;
let caller: Caller;
beforeEach(async () => {
  bench = await openGatewayBench({ hasAnchor: true });
  caller = await bench.signIn(ADMINISTRATOR);
});
afterEach(() => bench.close());

const idOf = (id: string): string => {
  const { roster } = bench.store;
  const kind = id === NURSE ? 'nurse' : 'doctor';
  return roster
    .roster()!
    .operators.find(({ roles }) => roles.includes(kind))!
    .keyId.slice(0, 16);
};
const wish = (more: Partial<PermitWish> = {}): PermitWish => ({
  until: new Date(bench.clock.nowMs() + 4 * HOUR_MS).toISOString(),
  maxUses: 3,
  operators: [idOf(NURSE)],
  ...more,
});
const grant = (more: Partial<PermitWish> = {}, by = caller, card = ADMINISTRATOR) =>
  bench.withCard(bench.card(card), () => bench.gateway.permits.grant(by, wish(more), bench.request(card)));
const recordsOf = <K extends EvidenceRecord['kind']>(kind: K) =>
  bench.records.filter((each): each is Extract<EvidenceRecord, { kind: K }> => each.kind === kind);
/** For what must not happen: whoever waits for something polls for it. */
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));
const facts = () => bench.gateway.snapshot().facts;
const refused = (promise: Promise<unknown>, code: string): Promise<void> =>
  expect(promise).rejects.toMatchObject({ code });

describe('granting', () => {
  test('shows it on every screen, and puts on record what was signed, for anybody to verify', async () => {
    expect(await grant()).toMatchObject({ usesLeft: 3, isUsed: false });
    expect(bench.gateway.snapshot()).toMatchObject({
      facts: { permit: 'carryOut' },
      carryOut: {
        usesLeft: 3,
        operators: [{ operatorId: idOf(NURSE), displayName: expect.stringMatching(/./) }],
      },
    });
    const [record] = recordsOf('permit-granted');
    const message = Buffer.from(record!.message, 'base64');
    expect(message.subarray(0, 16).toString()).toBe('SEKISHO-PERMIT-1');
    const key = createPublicKey(
      bench.region.wallet.get(ADMINISTRATOR)!.publicKey.export({ type: 'spki', format: 'pem' }),
    );
    expect(verify('sha256', message, key, Buffer.from(record!.signature, 'base64'))).toBe(true);
    expect(record).toMatchObject({
      operatorId: caller.operatorId,
      permitId: message.toString('hex', 40, 72),
    });
  });

  test.each<[string, Partial<PermitWish>, string]>([
    ['too long', { until: '2027-06-01T00:00:00.000Z' }, 'permit.rejected'],
    ['over before it begins', { until: '2020-01-01T00:00:00.000Z' }, 'permit.rejected'],
    ['too often', { maxUses: 51 }, 'permit.rejected'],
    ['for a stranger', { operators: ['0'.repeat(16)] }, 'operator.unknown'],
  ])('is refused %s', async (_what, more, code) => {
    await refused(grant(more), code);
    expect(facts().permit).toBe('none');
    expect(recordsOf('permit-granted')).toEqual([]);
  });

  test('is refused to everybody else, with another card, and away from home', async () => {
    await refused(grant({}, caller, NURSE), 'operator.wrong-card');
    const doctor = await bench.signIn(DOCTOR);
    await refused(grant({}, doctor, DOCTOR), 'operator.role-insufficient');
    caller = await bench.signIn(ADMINISTRATOR);
    await bench.leave();
    await refused(grant(), 'operator.not-signed-in');
  });

  test('what cannot be put on record is no leave', async () => {
    bench.refusesRecord = ({ kind }) => kind === 'permit-granted';
    await refused(grant(), 'store.full');
    await settled();
    expect(facts().permit).toBe('none');
    expect(bench.gateway.snapshot().carryOut).toBeUndefined();
  });

  test('is taken back by hand', async () => {
    await grant();
    await bench.gateway.permits.end(caller);
    await expect
      .poll(() => recordsOf('permit-ended'))
      .toMatchObject([{ reason: 'ended-by-hand', usesSpent: 0 }]);
    await expect.poll(facts).toMatchObject({ permit: 'none' });
    await refused(bench.gateway.permits.end(caller), 'permit.none');
  });
});

describe('a home visit', () => {
  beforeEach(async () => {
    await grant();
    await bench.leave();
    bench.centre.all = 'centre.unreachable';
  });

  test('leaving shuts everything; the nurse works offline; coming home ends it and needs no hands', async () => {
    expect(facts()).toMatchObject({ sam: 'locked', permit: 'carryOut' });
    expect(facts().operator).toBeUndefined();
    const nurse = await bench.signIn(NURSE);
    expect(facts()).toMatchObject({ sam: 'unlocked', samUnlock: 'offline' });
    expect(recordsOf('sam-unlocked').at(-1)).toMatchObject({
      how: 'offline',
      permitId: recordsOf('permit-granted')[0]!.permitId,
    });
    expect(await bench.tap(nurse, bench.card('mihon-taro'))).toMatchObject({ outcome: 'accepted' });
    await expect.poll(() => bench.gateway.snapshot().carryOut).toMatchObject({ usesLeft: 2, isUsed: true });
    bench.centre.all = 'good';
    await bench.arrive();
    await expect.poll(facts).toMatchObject({ sam: 'unlocked', samUnlock: 'online', permit: 'none' });
    expect(facts().operator).toBeUndefined();
    await expect.poll(() => recordsOf('permit-ended')).toMatchObject([{ reason: 'returned', usesSpent: 1 }]);
  });

  test('nobody who is not named gets in, and the SAM stays shut', async () => {
    await refused(bench.signIn(DOCTOR), 'permit.not-listed');
    expect(facts().sam).toBe('locked');
    expect(facts().operator).toBeUndefined();
  });

  test('its uses are its uses', async () => {
    const nurse = await bench.signIn(NURSE);
    for (const patient of ['mihon-taro', 'mihon-hanako', 'kakuu-ume'])
      expect(await bench.tap(nurse, bench.card(patient))).toMatchObject({ outcome: 'accepted' });
    await expect.poll(() => bench.gateway.snapshot().missing).toBe('permit.uses-exhausted');
    await refused(bench.startTap(nurse), 'permit.uses-exhausted');
    expect(bench.organisationKeyUses).toBe(3);
  });

  test('its time is its time, also in the middle of the work', async () => {
    await bench.signIn(NURSE);
    await bench.clock.advance(4 * HOUR_MS);
    await expect.poll(facts).toMatchObject({ sam: 'locked', permit: 'none' });
    await expect.poll(() => recordsOf('permit-ended')).toMatchObject([{ reason: 'expired' }]);
    await refused(bench.signIn(NURSE), 'network.absent');
  });

  test('the no of the service provider counts away from home, too, and outlives its silence', async () => {
    bench.centre.scripts.orders.behaviour = 'centre.refused';
    // The leave is over in that moment, which ends the wait for the card.
    await refused(bench.signIn(NURSE), 'network.absent');
    await expect.poll(facts).toMatchObject({ permit: 'none' });
    bench.centre.all = 'centre.unreachable';
    await refused(bench.signIn(NURSE), 'network.absent');
    await expect.poll(() => recordsOf('permit-ended')).toMatchObject([{ reason: 'revoked' }]);
  });

  test('its yes opens nothing there without the card', async () => {
    bench.centre.all = 'good';
    await bench.gateway.reconcileNow();
    expect(facts().sam).toBe('locked');
    await bench.signIn(NURSE);
    expect(facts()).toMatchObject({ sam: 'unlocked', samUnlock: 'offline' });
  });
});

describe('a SAM that shall be dead', () => {
  test.each(['registered', 'absent'])(
    'dies at the next contact (%s), for good and on record',
    async (where) => {
      await grant();
      if (where === 'absent') await bench.leave();
      bench.centre.isDisableOrdered = true;
      await bench.gateway.reconcileNow();
      await expect.poll(facts).toMatchObject({ sam: 'disabled', permit: 'none' });
      await expect.poll(() => recordsOf('sam-disabled')).toHaveLength(1);
      expect(bench.simulatedSam.state.lifeCycle).toBe('disabled');
      await bench.arrive();
      expect(bench.gateway.snapshot()).toMatchObject({ ready: false, missing: 'sam.disabled' });
    },
  );

  test('dies as soon as an answer of the centre says that an order waits, and asks once however often that is said', async () => {
    bench.centre.isDisableOrdered = true;
    const { calls } = bench.centre.scripts.orders;
    for (let answers = 0; answers < 5; answers++) bench.gateway.ordersWait();
    await bench.untilSnapshot(({ facts: { sam } }) => sam === 'disabled');
    bench.gateway.ordersWait();
    await settled();
    // The question what is wanted, and the order.
    expect(bench.centre.scripts.orders.calls - calls).toBe(2);
    expect(recordsOf('sam-disabled')).toHaveLength(1);
  });

  test('an unlock that the service provider refuses asks for the order at once', async () => {
    await bench.leave();
    bench.centre.isDisableOrdered = true;
    bench.centre.scripts.unlock.behaviour = 'centre.refused';
    await bench.arrive();
    await expect.poll(facts).toMatchObject({ sam: 'disabled' });
  });
});
