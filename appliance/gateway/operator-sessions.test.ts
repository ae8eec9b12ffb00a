import { afterEach, describe, expect, test } from 'vitest';
import { cloneWithKey } from '#drivers/simulated/clone.ts';
import type { SignInRequest } from './face.ts';
import { digits, type GatewayBench, openGatewayBench, TEST_LIMITS } from './testdata/gateway-bench.ts';
import { spareKey } from './testdata/region.ts';
import type { WatchedCard } from './testdata/watched-card.ts';

let bench: GatewayBench;
afterEach(() => bench.close());

function signIn(card: WatchedCard, request: SignInRequest): Promise<unknown> {
  return bench.withCard(card, () => bench.gateway.signIn(request));
}

const wrong = (personId: string): SignInRequest => bench.request(personId, { pin: digits('9999') });

describe('sign-in', () => {
  test.each([
    ['kakuu-ishi', 'hpki', 'doctor'],
    ['kakuu-kango', 'hpki', 'nurse'],
    ['kakuu-jimu', 'my-number', 'clerk'],
  ])('%s signs in with a card and PIN', async (personId, cardKind, role) => {
    bench = await openGatewayBench();
    const card = bench.card(personId);
    const request = bench.request(personId);
    const session = await bench.withCard(card, () => bench.gateway.signIn(request));
    expect(session.operator).toMatchObject({ cardKind, roles: expect.arrayContaining([role]) });
    expect(session.untilMs).toBe(bench.clock.nowMs() + TEST_LIMITS.operatorAbsoluteMs);
    expect(request.pin).toEqual(new Uint8Array(4));
    expect(card.isPowered).toBe(false);
    expect(bench.gateway.snapshot()).toMatchObject({ ready: true, facts: { operator: session.operator } });
  });

  test('a card that is not on the roster is refused before its PIN is asked', async () => {
    bench = await openGatewayBench();
    const card = bench.card('mihon-taro');
    const request = bench.request('mihon-taro');
    await expect(signIn(card, request)).rejects.toMatchObject({ code: 'operator.unknown' });
    expect(card.commands.filter(({ ins }) => ins === 0x20)).toEqual([]);
    expect(request.pin).toEqual(new Uint8Array(4));
  });

  test('a suspended operator is refused before the PIN is asked', async () => {
    bench = await openGatewayBench({
      script: (centre) => {
        centre.operators = centre.operators.map((each) => ({ ...each, suspended: true }));
      },
    });
    const card = bench.card('kakuu-ishi');
    await expect(signIn(card, bench.request())).rejects.toMatchObject({ code: 'operator.suspended' });
    expect(card.commands.filter(({ ins }) => ins === 0x20)).toEqual([]);
  });

  test('the roster that the SP changes meanwhile counts from the next look', async () => {
    bench = await openGatewayBench();
    bench.centre.rosterVersion = 2;
    bench.centre.operators = bench.centre.operators.map((each) => ({ ...each, suspended: true }));
    await bench.gateway.reconcileNow();
    await expect(bench.signIn()).rejects.toMatchObject({ code: 'operator.suspended' });
    expect(bench.simulatedSam.state.rosterVersion).toBe(2);
  });

  test('another kind of card than announced is named as such', async () => {
    bench = await openGatewayBench();
    await expect(
      signIn(bench.card('kakuu-jimu'), bench.request('kakuu-jimu', { cardKind: 'hpki' })),
    ).rejects.toMatchObject({ code: 'card.not-hpki-card' });
    await expect(
      signIn(bench.card('kakuu-ishi'), bench.request('kakuu-ishi', { cardKind: 'my-number' })),
    ).rejects.toMatchObject({ code: 'card.not-my-number-card' });
  });

  test('a wrong PIN tells the tries left, the last one is spent only when accepted, then the card is blocked', async () => {
    bench = await openGatewayBench({ limits: { operatorFailures: 10 } });
    const card = bench.card('kakuu-jimu');
    for (const triesLeft of [2, 1]) {
      await expect(signIn(card, wrong('kakuu-jimu'))).rejects.toMatchObject({
        code: 'operator.pin-wrong',
        context: { triesLeft },
      });
    }
    const right = bench.request('kakuu-jimu');
    await bench.withCard(card, async () => {
      await expect(bench.gateway.signIn(right)).rejects.toMatchObject({
        code: 'operator.pin-last-try',
        context: { triesLeft: 1 },
      });
      expect(right.pin).toEqual(new Uint8Array(4));
      const last = { ...wrong('kakuu-jimu'), acceptLastTry: true };
      await expect(bench.gateway.signIn(last)).rejects.toMatchObject({ code: 'operator.pin-blocked' });
    });
    const blocked = bench.request('kakuu-jimu', { acceptLastTry: true });
    await expect(signIn(card, blocked)).rejects.toMatchObject({ code: 'operator.pin-blocked' });
    expect(blocked.pin).toEqual(new Uint8Array(4));
  });

  test('the right PIN on the last try signs in and restores the tries', async () => {
    bench = await openGatewayBench({ limits: { operatorFailures: 10 } });
    const card = bench.card('kakuu-jimu');
    await expect(signIn(card, wrong('kakuu-jimu'))).rejects.toThrow();
    await expect(signIn(card, wrong('kakuu-jimu'))).rejects.toThrow();
    await bench.withCard(card, async () => {
      await expect(bench.gateway.signIn(wrong('kakuu-jimu'))).rejects.toThrow();
      await bench.gateway.signIn(bench.request('kakuu-jimu', { acceptLastTry: true }));
    });
    await expect(signIn(card, wrong('kakuu-jimu'))).rejects.toMatchObject({ context: { triesLeft: 2 } });
  });

  test('a malformed PIN never reaches the card', async () => {
    bench = await openGatewayBench();
    const card = bench.card('kakuu-jimu');
    const request = bench.request('kakuu-jimu', { pin: digits('12') });
    await expect(signIn(card, request)).rejects.toMatchObject({ code: 'operator.pin-malformed' });
    expect(request.pin).toEqual(new Uint8Array(2));
    await signIn(card, bench.request('kakuu-jimu'));
  });

  test('sign-in pauses after failures in a row, by the monotonic clock, and opens again', async () => {
    bench = await openGatewayBench();
    const card = bench.card('kakuu-ishi');
    for (let failure = 0; failure < TEST_LIMITS.operatorFailures; failure += 1) {
      await expect(signIn(card, wrong('kakuu-ishi'))).rejects.toMatchObject({ code: 'operator.pin-wrong' });
    }
    const verifies = (): number => card.commands.filter(({ ins }) => ins === 0x20).length;
    const before = verifies();
    const right = bench.request();
    await expect(signIn(card, right)).rejects.toMatchObject({ code: 'operator.locked-out' });
    expect(right.pin).toEqual(new Uint8Array(4));
    expect(verifies()).toBe(before);
    // Only that card pauses: nobody can keep the others out with it.
    await bench.signIn('kakuu-kango');
    await bench.clock.advance(TEST_LIMITS.operatorLockOutMs);
    await signIn(card, bench.request());
  });

  test('an expired operator certificate is refused before the PIN', async () => {
    bench = await openGatewayBench();
    const expired = bench.region.reissue(() => ({
      serial: '1000000000000777',
      notBeforeMs: bench.clock.nowMs() - 2_000_000_000,
      notAfterMs: bench.clock.nowMs() - 1_000,
    }));
    const card = bench.card('kakuu-ishi', expired.get('kakuu-ishi')?.image);
    await expect(signIn(card, bench.request())).rejects.toMatchObject({
      code: 'operator.certificate-expired',
    });
    expect(card.commands.filter(({ ins }) => ins === 0x20)).toEqual([]);
  });

  test('a revoked operator certificate is refused; an unknown status is no refusal', async () => {
    bench = await openGatewayBench();
    bench.centre.revokedFor = 'key-compromise';
    await expect(bench.signIn()).rejects.toMatchObject({ code: 'operator.certificate-revoked' });
    bench.centre.scripts.revocation.behaviour = 'revocation.unknown';
    await bench.signIn();
  });

  test('a slow card does not let a revoked certificate through', async () => {
    bench = await openGatewayBench();
    bench.centre.revokedFor = 'key-compromise';
    bench.centre.scripts.revocation.behaviour = 'silent';
    const signingIn = bench.gateway.signIn(bench.request());
    const refused = expect(signingIn).rejects.toMatchObject({ code: 'operator.certificate-revoked' });
    // The card comes at the very end of the time to place it.
    await bench.clock.advance(TEST_LIMITS.cardWaitMs - 1);
    bench.reader.insert(bench.card('kakuu-ishi'));
    while (bench.centre.scripts.revocation.waiting === 0) await new Promise(setImmediate);
    await bench.clock.advance(10);
    bench.centre.scripts.revocation.release('good');
    await refused;
    bench.reader.remove();
  });

  test('a card with the right certificate and another key is refused', async () => {
    bench = await openGatewayBench();
    const image = bench.region.wallet.get('kakuu-ishi')?.image;
    if (image === undefined) throw new Error('no card');
    const clone = bench.card('kakuu-ishi', cloneWithKey(image, spareKey()));
    await expect(signIn(clone, bench.request())).rejects.toMatchObject({ code: 'operator.signature-wrong' });
  });

  test('no card in time ends the wait and overwrites the PIN', async () => {
    bench = await openGatewayBench();
    const request = bench.request();
    const refused = expect(bench.gateway.signIn(request)).rejects.toMatchObject({ code: 'card.not-found' });
    await bench.clock.advance(TEST_LIMITS.cardWaitMs);
    await refused;
    expect(request.pin).toEqual(new Uint8Array(4));
  });

  test('away from the network nobody signs in, and the PIN is overwritten all the same', async () => {
    bench = await openGatewayBench();
    await bench.gateway.networkChanged('foreign');
    const request = bench.request();
    await expect(bench.gateway.signIn(request)).rejects.toMatchObject({ code: 'network.foreign' });
    expect(request.pin).toEqual(new Uint8Array(4));
  });

  test('a sign-in that nobody goes on with makes room for the next', async () => {
    bench = await openGatewayBench();
    const abandoned = bench.gateway.signIn(bench.request());
    const refused = expect(abandoned).rejects.toMatchObject({ code: 'reader.busy' });
    const next = bench.gateway.signIn(bench.request('kakuu-kango'));
    await refused;
    await bench.withCard(bench.card('kakuu-kango'), () => next);
  });

  test('a refusal is evidence, and what the ledger says does not hide it', async () => {
    bench = await openGatewayBench();
    bench.refusesRecord = ({ kind }) => kind === 'operator-refused';
    await expect(signIn(bench.card('kakuu-ishi'), wrong('kakuu-ishi'))).rejects.toMatchObject({
      code: 'operator.pin-wrong',
    });
  });
});

describe('a session', () => {
  test('ends after no action, and every action keeps it alive until its absolute end', async () => {
    bench = await openGatewayBench();
    const caller = await bench.signIn();
    const { operatorIdleMs, operatorAbsoluteMs } = TEST_LIMITS;
    for (let leftMs = operatorAbsoluteMs; leftMs > operatorIdleMs; leftMs -= operatorIdleMs - 1_000) {
      await bench.gateway.unresolvedVisits(caller);
      await bench.clock.advance(operatorIdleMs - 1_000);
    }
    await bench.gateway.unresolvedVisits(caller);
    await bench.clock.advance(operatorIdleMs);
    await expect(bench.gateway.unresolvedVisits(caller)).rejects.toMatchObject({
      code: 'operator.not-signed-in',
    });
    expect(bench.gateway.snapshot()).toMatchObject({ ready: false, missing: 'operator.not-signed-in' });
  });

  test('ends by itself when nobody asks', async () => {
    bench = await openGatewayBench();
    await bench.signIn();
    await bench.clock.advance(TEST_LIMITS.operatorIdleMs);
    expect(bench.gateway.snapshot().facts.operator).toBeUndefined();
  });

  test('a tap under way ends with the session', async () => {
    bench = await openGatewayBench({ limits: { consentTimeoutMs: 2 * TEST_LIMITS.operatorIdleMs } });
    const caller = await bench.signIn();
    const { tapId } = await bench.startTap(caller);
    await bench.clock.advance(TEST_LIMITS.operatorIdleMs);
    expect(bench.gateway.tapProgress(tapId)).toMatchObject({
      state: 'failed',
      error: 'operator.session-ended',
    });
  });

  test('belongs to one operator: the next one takes it over, and the former is refused', async () => {
    bench = await openGatewayBench();
    const former = await bench.signIn('kakuu-ishi');
    const next = await bench.signIn('kakuu-kango');
    await expect(bench.startTap(former)).rejects.toMatchObject({ code: 'operator.session-ended' });
    await bench.gateway.signOut(former);
    const { tapId } = await bench.startTap(next);
    await expect(bench.gateway.signIn(bench.request())).rejects.toMatchObject({ code: 'tap.busy' });
    await bench.gateway.cancelTap(next, tapId);
  });

  test('signing out ends it even when the ledger is full', async () => {
    bench = await openGatewayBench();
    bench.refusesRecord = ({ kind }) => kind === 'operator-signed-out';
    const caller = await bench.signIn();
    await expect(bench.gateway.signOut(caller)).rejects.toMatchObject({ code: 'store.full' });
    await expect(bench.startTap(caller)).rejects.toMatchObject({ code: 'operator.not-signed-in' });
  });
});
