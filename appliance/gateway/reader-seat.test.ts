/** Whose turn it is at the reader, and what a stranger on the network can do to a card that lies there: nothing. */
import { afterEach, describe, expect, test } from 'vitest';
import { SekishoError } from '#contract/errors.ts';
import type { SignInRequest } from './face.ts';
import { digits, type GatewayBench, openGatewayBench, TEST_LIMITS } from './testdata/gateway-bench.ts';
import type { WatchedCard } from './testdata/watched-card.ts';

let bench: GatewayBench;
afterEach(() => bench.close());

const CLERK = 'kakuu-jimu';
const wrong = (client: string, more: Partial<SignInRequest> = {}): SignInRequest =>
  bench.request(CLERK, { pin: digits('9999'), client, ...more });

function pinChecks(card: WatchedCard): number {
  return card.commands.filter(({ ins }) => ins === 0x20).length;
}

describe('the seat at the reader', () => {
  test('stays with the client that waits; a stranger is refused', async () => {
    bench = await openGatewayBench();
    const waiting = bench.gateway.signIn(bench.request(CLERK, { client: 'counter' }));
    await expect(bench.gateway.signIn(wrong('stranger'))).rejects.toMatchObject({ code: 'reader.busy' });
    await bench.withCard(bench.card(CLERK), () => waiting);
    expect(bench.gateway.snapshot().facts.operator).toBeDefined();
  });

  test('is free as soon as the page that waits is closed', async () => {
    bench = await openGatewayBench();
    const page = new AbortController();
    const request = bench.request(CLERK, { client: 'closed' });
    const closed = expect(bench.gateway.signIn(request, page.signal)).rejects.toMatchObject({
      code: 'tap.cancelled',
    });
    page.abort(new SekishoError('tap.cancelled'));
    await closed;
    expect(request.pin).toEqual(new Uint8Array(4));
    await bench.signIn(CLERK);
  });

  test('is free again when nobody came with a card', async () => {
    bench = await openGatewayBench();
    const first = expect(bench.gateway.signIn(wrong('one'))).rejects.toMatchObject({
      code: 'card.not-found',
    });
    await bench.clock.advance(TEST_LIMITS.cardWaitMs);
    await first;
    await bench.signIn(CLERK);
  });
});

describe('a card that lies on the reader', () => {
  test('loses one try to a wrong PIN, and none more before it was taken away, whoever asks', async () => {
    bench = await openGatewayBench();
    const card = bench.card(CLERK);
    await bench.withCard(card, async () => {
      await expect(bench.gateway.signIn(wrong('one'))).rejects.toMatchObject({ code: 'operator.pin-wrong' });
      const checks = pinChecks(card);
      for (const client of ['one', 'two', 'three']) {
        const refused = expect(bench.gateway.signIn(wrong(client))).rejects.toMatchObject({
          code: 'card.remove-first',
        });
        await bench.clock.advance(TEST_LIMITS.cardWaitMs);
        await refused;
      }
      expect(pinChecks(card)).toBe(checks);
    });
    await bench.withCard(card, () => bench.gateway.signIn(bench.request(CLERK)));
  });

  test('may be taken off and placed again after the next PIN was typed', async () => {
    bench = await openGatewayBench();
    const card = bench.card(CLERK);
    bench.reader.insert(card);
    await expect(bench.gateway.signIn(wrong('counter'))).rejects.toThrow();
    const checks = pinChecks(card);
    const next = bench.gateway.signIn(bench.request(CLERK, { client: 'counter' }));
    await new Promise(setImmediate);
    expect(pinChecks(card)).toBe(checks);
    bench.reader.remove();
    await bench.withCard(card, () => next);
  });

  test('is taken away after a wrong PIN, also when the gateway has started anew meanwhile', async () => {
    const before = await openGatewayBench();
    const lying = before.card(CLERK);
    await before.withCard(lying, async () => {
      await expect(before.gateway.signIn(wrong('one'))).rejects.toMatchObject({ code: 'operator.pin-wrong' });
    });
    bench = await openGatewayBench({ startsFrom: before.databasePath });
    await before.close();
    const checks = pinChecks(lying);
    await bench.withCard(lying, async () => {
      await expect(bench.gateway.signIn(wrong('one'))).rejects.toMatchObject({ code: 'card.remove-first' });
    });
    expect(pinChecks(lying)).toBe(checks);
    await bench.signIn(CLERK);
  });

  test('gives its last try only to the client that was told so, and not after it was placed anew', async () => {
    bench = await openGatewayBench({ limits: { operatorFailures: 10 } });
    const card = bench.card(CLERK);
    for (const client of ['one', 'two'])
      await expect(bench.withCard(card, () => bench.gateway.signIn(wrong(client)))).rejects.toThrow();
    const lastTry = { code: 'operator.pin-last-try' };
    const blind = (client: string): Promise<unknown> =>
      bench.gateway.signIn(wrong(client, { acceptLastTry: true }));
    await bench.withCard(card, async () => {
      await expect(blind('stranger')).rejects.toMatchObject(lastTry);
      await expect(blind('counter')).rejects.toMatchObject(lastTry);
    });
    await bench.withCard(card, async () => {
      await expect(blind('stranger')).rejects.toMatchObject(lastTry);
      const counter = (acceptLastTry: boolean): Promise<unknown> =>
        bench.gateway.signIn(bench.request(CLERK, { client: 'counter', acceptLastTry }));
      await expect(counter(false)).rejects.toMatchObject(lastTry);
      await counter(true);
    });
  });

  test('of an unknown person locks nobody out, however often it is asked', async () => {
    bench = await openGatewayBench();
    const patient = bench.card('mihon-taro');
    await bench.withCard(patient, async () => {
      for (let turn = 0; turn < 3 * TEST_LIMITS.operatorFailures; turn += 1)
        await expect(bench.gateway.signIn(wrong('stranger'))).rejects.toMatchObject({
          code: 'operator.unknown',
        });
    });
    await bench.signIn(CLERK);
  });
});

describe('while the sign-in waits', () => {
  test.each(['absent', 'foreign'] as const)('a place that is lost ends it: %s', async (network) => {
    bench = await openGatewayBench();
    const request = bench.request();
    const refused = expect(bench.gateway.signIn(request)).rejects.toMatchObject({
      code: `network.${network}`,
    });
    await bench.gateway.networkChanged(network);
    await bench.gateway.networkChanged('registered');
    await refused;
    expect(request.pin).toEqual(new Uint8Array(4));
    bench.reader.insert(bench.card('kakuu-ishi'));
    await new Promise(setImmediate);
    expect(bench.gateway.snapshot().facts.operator).toBeUndefined();
    bench.reader.remove();
  });

  test('a place that is lost and found while the card signs ends it too', async () => {
    bench = await openGatewayBench();
    const card = bench.card('kakuu-ishi');
    card.onCommand = ({ ins }) => {
      if (ins !== 0x2a) return;
      void bench.gateway.networkChanged('absent');
      void bench.gateway.networkChanged('registered');
    };
    await expect(bench.withCard(card, () => bench.gateway.signIn(bench.request()))).rejects.toMatchObject({
      code: 'network.absent',
    });
    expect(bench.gateway.snapshot().facts.operator).toBeUndefined();
  });
});

describe('who is signed in', () => {
  test.each(['suspended', 'removed'])('leaves at once when a newer roster says so: %s', async (how) => {
    bench = await openGatewayBench();
    const caller = await bench.signIn();
    const { tapId } = await bench.startTap(caller);
    bench.centre.rosterVersion = 2;
    bench.centre.operators = bench.centre.operators
      .map((each) => ({ ...each, suspended: true }))
      .slice(how === 'removed' ? bench.centre.operators.length : 0);
    await bench.gateway.reconcileNow();
    expect(bench.gateway.tapProgress(tapId)).toMatchObject({ state: 'failed', error: 'operator.suspended' });
    await expect(bench.startTap(caller)).rejects.toMatchObject({ code: 'operator.not-signed-in' });
  });

  test('stays when the newer roster still names them', async () => {
    bench = await openGatewayBench();
    const caller = await bench.signIn();
    bench.centre.rosterVersion = 2;
    await bench.gateway.reconcileNow();
    await bench.gateway.unresolvedVisits(caller);
  });

  test.each([-86_400_000, 86_400_000])('stays as long, whatever the wall clock is set to: %d', async (ms) => {
    bench = await openGatewayBench();
    const caller = await bench.signIn();
    bench.clock.shiftWall(ms);
    await bench.gateway.unresolvedVisits(caller);
    await bench.clock.advance(TEST_LIMITS.operatorIdleMs);
    await expect(bench.gateway.unresolvedVisits(caller)).rejects.toMatchObject({
      code: 'operator.not-signed-in',
    });
  });
});

test('of two patient numbers for one card at once the second is a conflict', async () => {
  bench = await openGatewayBench();
  const caller = await bench.signIn();
  const visit = await bench.tap(caller, bench.card('mihon-taro'));
  const link = (number: string) => bench.gateway.linkPatient(caller, visit?.cardId ?? '', number, undefined);
  const [first, second] = await Promise.allSettled([link('1001'), link('1002')]);
  expect(first.status).toBe('fulfilled');
  expect(second).toMatchObject({ status: 'rejected', reason: { code: 'patient.link-conflict' } });
});
