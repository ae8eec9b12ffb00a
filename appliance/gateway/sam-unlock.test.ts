import { createHash } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import type { TapProgress } from '#contract/snapshot.ts';
import { SimulatedSam } from '#drivers/simulated/sam/simulated-sam.ts';
import { type GatewayBench, openGatewayBench } from './testdata/gateway-bench.ts';
import { WatchedCard } from './testdata/watched-card.ts';

let bench: GatewayBench;
afterEach(() => bench.close());

const facts = () => bench.gateway.snapshot().facts;
describe('unlocking', () => {
  test('happens online by itself where the network is registered', async () => {
    bench = await openGatewayBench({ script: (centre) => (centre.maxUses = 77) });
    expect(facts()).toMatchObject({ sam: 'unlocked', samUnlock: 'online', samUsesLeft: 77 });
  });

  test('happens anew when the lease was lost and came back while the roster of the last one was still fetched', async () => {
    bench = await openGatewayBench();
    await bench.gateway.networkChanged('absent');
    const { roster } = bench.centre.scripts;
    roster.behaviour = 'silent';
    const coming = bench.gateway.networkChanged('registered');
    await expect.poll(() => roster.waiting).toBe(1);
    expect(facts()).toMatchObject({ sam: 'unlocked' });
    const going = bench.gateway.networkChanged('absent');
    const comingBack = bench.gateway.networkChanged('registered');
    expect(facts()).toMatchObject({ network: 'registered', sam: 'locked' });
    roster.release();
    await Promise.all([coming, going, comingBack]);
    await expect.poll(() => facts().sam).toBe('unlocked');
  });

  test('is tried again when the broker had ended the lease by its own clock just after the anchor had answered', async () => {
    bench = await openGatewayBench({ hasAnchor: true });
    await bench.leave();
    await bench.gateway.networkChanged('registered');
    expect(facts()).toMatchObject({ network: 'registered', sam: 'locked' });
    const { lease } = bench.samAccess;
    const question = Buffer.from(await lease.question()).toString('hex');
    await lease.answer(Buffer.from(bench.anchor?.answer(question) ?? '', 'hex'));
    await bench.clock.advance(299);
    expect(facts().sam).toBe('locked');
    await bench.clock.advance(1);
    await expect.poll(() => facts().sam).toBe('unlocked');
  });

  test('is done by the operator card when the SP says nothing, within the limits of offline work', async () => {
    bench = await openGatewayBench({
      script: (centre) => {
        centre.scripts.unlock.behaviour = 'centre.unreachable';
      },
    });
    expect(bench.gateway.snapshot()).toMatchObject({ ready: false, facts: { sam: 'locked' } });
    // The roster of yesterday, which the SAM has too.
    await giveRoster();
    for (const person of ['kakuu-ishi', 'kakuu-jimu']) {
      await bench.signIn(person);
      expect(facts()).toMatchObject({ sam: 'unlocked', samUnlock: 'offline', samUsesLeft: 50 });
      await lock(person);
    }
  });

  test('is refused to an operator whom the SAM does not know', async () => {
    bench = await openGatewayBench({ script: (centre) => (centre.all = 'centre.timeout') });
    bench.store.roster.rememberRoster({
      version: 1,
      operators: bench.centre.operators.map(({ publicKey: _, ...operator }) => operator),
      update: '',
    });
    await expect(bench.signIn()).rejects.toMatchObject({ code: 'sam.unlock-refused' });
    expect(facts()).toMatchObject({ sam: 'locked' });
  });

  test('is refused offline when the SP refuses: silence is no answer, no is one', async () => {
    bench = await openGatewayBench();
    await lock('kakuu-ishi');
    bench.centre.scripts.unlock.behaviour = 'centre.refused';
    await expect(bench.signIn()).rejects.toMatchObject({ code: 'centre.refused' });
    expect(facts()).toMatchObject({ sam: 'locked' });
    expect(facts().operator).toBeUndefined();
  });

  test('and stays refused when the SP falls silent after its no, until it says yes', async () => {
    bench = await openGatewayBench();
    const caller = await bench.signIn();
    await bench.gateway.lockSam(caller, 'asked');
    const { unlock } = bench.centre.scripts;
    const byCard = (): Promise<void> =>
      bench.withCard(bench.card('kakuu-ishi'), () => bench.gateway.unlockOffline(caller, bench.request()));
    unlock.behaviour = 'centre.refused';
    await expect(byCard()).rejects.toMatchObject({ code: 'centre.refused' });
    unlock.behaviour = 'centre.unreachable';
    await expect(byCard()).rejects.toMatchObject({ code: 'centre.refused' });
    expect(facts()).toMatchObject({ sam: 'locked' });
    unlock.behaviour = 'good';
    await bench.gateway.unlockOnline(caller);
    await bench.gateway.lockSam(caller, 'asked');
    unlock.behaviour = 'centre.unreachable';
    await byCard();
    expect(facts()).toMatchObject({ samUnlock: 'offline' });
  });

  test('and stays refused over a restart, too, which is evidence once', async () => {
    const before = await openGatewayBench();
    const caller = await before.signIn();
    await before.gateway.lockSam(caller, 'asked');
    before.centre.scripts.unlock.behaviour = 'centre.refused';
    for (const _again of [1, 2]) {
      await expect(before.gateway.unlockOnline(caller)).rejects.toMatchObject({ code: 'centre.refused' });
    }
    expect(before.records.filter(({ kind }) => kind === 'sam-unlock-refused')).toHaveLength(1);
    bench = await openGatewayBench({
      startsFrom: before.databasePath,
      script: (centre) => (centre.scripts.unlock.behaviour = 'centre.unreachable'),
    });
    await before.close();
    await expect(bench.signIn()).rejects.toMatchObject({ code: 'centre.refused' });
    expect(facts()).toMatchObject({ sam: 'locked' });
    bench.centre.scripts.unlock.behaviour = 'good';
    await bench.signIn();
    expect(facts()).toMatchObject({ sam: 'unlocked', samUnlock: 'online' });
    expect(bench.store.visits.unlockRefusedSinceMs()).toBeUndefined();
  });

  test('offline by itself needs a card and PIN of somebody who is signed in', async () => {
    bench = await openGatewayBench({ script: (centre) => (centre.maxUses = 1) });
    const caller = await bench.signIn();
    await bench.tap(caller, bench.card('mihon-taro'));
    expect(bench.gateway.snapshot()).toMatchObject({ missing: 'sam.uses-exhausted' });
    bench.centre.scripts.unlock.behaviour = 'centre.timeout';
    const request = bench.request();
    await bench.withCard(bench.card('kakuu-ishi'), () => bench.gateway.unlockOffline(caller, request));
    expect(request.pin).toEqual(new Uint8Array(4));
    expect(bench.gateway.snapshot()).toMatchObject({ ready: true, facts: { samUnlock: 'offline' } });
    const stranger = { operatorId: '0000000000000000', screen: 'x' };
    const refused = bench.request();
    await expect(bench.gateway.unlockOffline(stranger, refused)).rejects.toMatchObject({
      code: 'operator.session-ended',
    });
    expect(refused.pin).toEqual(new Uint8Array(4));
  });

  test('is tried again by itself as soon as the SP is there, unless somebody locked the SAM', async () => {
    bench = await openGatewayBench({ script: (centre) => (centre.all = 'centre.unreachable') });
    bench.gateway.refresh();
    expect(bench.centre.scripts.unlock.calls).toBe(1);
    bench.centre.all = 'good';
    bench.gateway.refresh();
    await bench.untilSnapshot(({ facts: { sam } }) => sam === 'unlocked');
    await until(() => bench.store.roster.roster() !== undefined);
    await bench.gateway.lockSam(await bench.signIn(), 'asked');
    bench.gateway.refresh();
    await new Promise(setImmediate);
    expect(facts().sam).toBe('locked');
    await bench.gateway.networkChanged('absent');
    await bench.gateway.networkChanged('registered');
    expect(facts().sam).toBe('locked');
    await bench.signIn();
    expect(facts().sam).toBe('unlocked');
    // A refusal is an answer: it is not asked for again and again.
    await bench.gateway.networkChanged('absent');
    bench.centre.scripts.unlock.behaviour = 'centre.refused';
    await bench.gateway.networkChanged('registered');
    bench.centre.scripts.unlock.behaviour = 'good';
    bench.gateway.refresh();
    await new Promise(setImmediate);
    expect(facts().sam).toBe('locked');
  });

  test('two who ask at once share one grant', async () => {
    bench = await openGatewayBench({
      script: (centre) => (centre.scripts.unlock.behaviour = 'silent'),
      isStarted: false,
    });
    const starting = bench.start();
    while (bench.centre.scripts.unlock.waiting === 0) await new Promise(setImmediate);
    await giveRoster();
    const signingIn = bench.signIn();
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    bench.centre.scripts.unlock.release();
    await Promise.all([starting, signingIn]);
    expect(bench.centre.scripts.unlock.calls).toBe(1);
    expect(bench.gateway.snapshot().ready).toBe(true);
  });

  test('by card waits for an online unlock that is under way, and is not needed when that succeeds', async () => {
    bench = await openGatewayBench();
    const caller = await bench.signIn();
    await bench.gateway.lockSam(caller, 'asked');
    const byCard = () =>
      bench.withCard(bench.card('kakuu-ishi'), () =>
        bench.gateway.unlockOffline(caller, bench.request('kakuu-ishi')),
      );
    for (const [outcome, how] of [
      ['good', 'online'],
      ['centre.timeout', 'offline'],
    ] as const) {
      bench.centre.scripts.unlock.behaviour = 'silent';
      const online = bench.gateway.unlockOnline(caller).catch(() => undefined);
      while (bench.centre.scripts.unlock.waiting === 0) await new Promise(setImmediate);
      const offline = byCard();
      for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
      bench.centre.scripts.unlock.release(outcome);
      await Promise.all([online, offline]);
      expect(facts()).toMatchObject({ sam: 'unlocked', samUnlock: how });
    }
  });

  test('a grant for another SAM or challenge is refused by the SAM itself', async () => {
    bench = await openGatewayBench({
      change: (parts) => ({
        ...parts,
        centre: Object.assign(Object.create(parts.centre), {
          serviceProvider: {
            ...parts.centre.serviceProvider,
            unlockSam: (request: Parameters<typeof parts.centre.serviceProvider.unlockSam>[0]) =>
              parts.centre.serviceProvider.unlockSam({ ...request, challenge: '00'.repeat(32) }),
          },
        }),
      }),
    });
    expect(facts()).toMatchObject({ sam: 'locked' });
    await giveRoster();
    await expect(bench.signIn()).rejects.toMatchObject({ code: 'sam.unlock-refused' });
  });

  test('an unlock that can not be written down does not stay open', async () => {
    bench = await openGatewayBench();
    const caller = await bench.signIn();
    await bench.gateway.lockSam(caller, 'asked');
    bench.refusesRecord = ({ kind }) => kind === 'sam-unlocked';
    await expect(bench.gateway.unlockOnline(caller)).rejects.toMatchObject({ code: 'store.full' });
    expect(facts()).toMatchObject({ sam: 'locked' });
    expect((await bench.samAccess.require().status()).state).toBe('locked');
  });

  test('the tick anchor covers the entry of the unlock, and its absence costs nothing', async () => {
    bench = await openGatewayBench();
    const caller = await bench.signIn();
    await until(() => bench.records.some(({ kind }) => kind === 'tick-anchor'));
    const anchor = bench.records.find((record) => record.kind === 'tick-anchor');
    expect(anchor?.tickStamp).toMatch(/^e752.{88}8a02000a8820/);
    bench.centre.scripts.timeStamps.behaviour = 'time-stamp.unavailable';
    await bench.gateway.lockSam(caller, 'asked');
    await bench.gateway.unlockOnline(caller);
    await until(() => bench.logLines.some((line) => line.startsWith('tick-anchor.missing')));
    expect(bench.gateway.snapshot().ready).toBe(true);
    // It is fetched later, once.
    const anchors = (): number => bench.records.filter(({ kind }) => kind === 'tick-anchor').length;
    expect(anchors()).toBe(1);
    bench.centre.scripts.timeStamps.behaviour = 'good';
    await Promise.all([bench.gateway.reconcileNow(), bench.gateway.reconcileNow()]);
    expect(anchors()).toBe(2);
  });
});

describe('the SAM', () => {
  test('is missed when it leaves its slot, and unlocked again by itself when it is back', async () => {
    bench = await openGatewayBench();
    const caller = await bench.signIn();
    bench.samSlot.remove();
    await bench.untilSnapshot(({ missing }) => missing === 'sam.absent');
    await expect(bench.startTap(caller)).rejects.toMatchObject({ code: 'sam.absent' });
    bench.samSlot.insert(bench.sam);
    await bench.untilSnapshot(({ ready }) => ready);
    expect(await bench.tap(caller, bench.card('mihon-taro'))).toMatchObject({ outcome: 'accepted' });
  });

  test('may come after the gateway has started', async () => {
    bench = await openGatewayBench({ isStarted: false });
    bench.samSlot.remove();
    await bench.gateway.start(AbortSignal.abort());
    bench.gateway.readerChanged('ready');
    await bench.gateway.networkChanged('registered');
    expect(bench.gateway.snapshot()).toMatchObject({ missing: 'sam.absent' });
    bench.samSlot.insert(bench.sam);
    await bench.clock.advance(1_000);
    await bench.untilSnapshot(({ facts: { sam } }) => sam === 'unlocked');
  });

  test('that is disabled says so at start', async () => {
    bench = await openGatewayBench();
    const state = { ...bench.simulatedSam.state, lifeCycle: 'disabled' as const };
    await bench.close();
    bench = await openGatewayBench({ samState: state });
    expect(bench.gateway.snapshot()).toMatchObject({ missing: 'sam.disabled' });
  });

  test('that says nothing any more is powered anew', async () => {
    bench = await openGatewayBench();
    const caller = await bench.signIn();
    bench.samSlot.faults.push({ name: 'mute', handle: () => Promise.resolve({ kind: 'mute' }) });
    const mute = await bench.startTap(caller);
    await bench.clock.untilAsleep(5_000);
    bench.samSlot.faults.length = 0;
    await bench.clock.advance(5_000);
    expect(await ended(mute.tapId)).toMatchObject({ state: 'failed', error: 'sam.absent' });
    await bench.untilSnapshot(({ ready }) => ready);
    const { tapId } = await bench.startTap(caller);
    await bench.gateway.cancelTap(caller, tapId);
  });

  test('that locked itself is believed before the patient is asked', async () => {
    bench = await openGatewayBench();
    const caller = await bench.signIn();
    await bench.samAccess.require().lock();
    const { tapId } = await bench.startTap(caller);
    expect(await ended(tapId)).toMatchObject({ state: 'failed', error: 'sam.locked', steps: [] });
    await expect(bench.startTap(caller)).rejects.toMatchObject({ code: 'sam.locked' });
    await bench.gateway.unlockOnline(caller);
    expect(bench.gateway.snapshot().ready).toBe(true);
  });

  test('that was exchanged for another is opened, and locked until the SP says otherwise', async () => {
    bench = await openGatewayBench();
    await bench.signIn();
    bench.samSlot.remove();
    await bench.untilSnapshot(({ missing }) => missing === 'sam.absent');
    bench.centre.scripts.unlock.behaviour = 'centre.refused';
    const state = bench.simulatedSam.state;
    const other = new SimulatedSam({ state: { ...state, roster: [], rosterVersion: 0 }, clock: bench.clock });
    const watched = new WatchedCard(other);
    bench.samSlot.insert(watched);
    await bench.untilSnapshot(({ missing }) => missing === 'sam.locked');
    bench.samSlot.remove();
  });

  test('is powered off at once when the network goes, with everything that was open', async () => {
    bench = await openGatewayBench();
    await bench.signIn();
    const nonce = createHash('sha256').update(bench.samAccess.require().tickNonce).digest('hex');
    bench.centre.scripts.unlock.behaviour = 'silent';
    await bench.gateway.networkChanged('absent');
    expect(bench.gateway.snapshot()).toMatchObject({ missing: 'network.absent', facts: { sam: 'locked' } });
    expect(facts().operator).toBeUndefined();
    expect(bench.records.at(-1)).toMatchObject({ kind: 'sam-locked', reason: 'network.absent' });
    const now = createHash('sha256').update(bench.samAccess.require().tickNonce).digest('hex');
    expect(now).not.toBe(nonce);
    expect((await bench.samAccess.require().status()).state).toBe('locked');
  });

  test('opens again when the network is back within the moment of its power cycle', async () => {
    bench = await openGatewayBench();
    const away = bench.gateway.networkChanged('foreign');
    const back = bench.gateway.networkChanged('registered');
    await Promise.all([away, back]);
    expect(facts()).toMatchObject({ sam: 'unlocked', samUnlock: 'online' });
    expect((await bench.samAccess.require().status()).state).toBe('unlocked-online');
  });

  test('stays shut when the network goes while the SP answers', async () => {
    bench = await openGatewayBench();
    await bench.gateway.networkChanged('absent');
    bench.centre.scripts.unlock.behaviour = 'silent';
    const back = bench.gateway.networkChanged('registered');
    while (bench.centre.scripts.unlock.waiting === 0) await new Promise(setImmediate);
    const away = bench.gateway.networkChanged('foreign');
    bench.centre.scripts.unlock.release();
    await Promise.all([back, away]);
    expect(facts()).toMatchObject({ sam: 'locked' });
    expect((await bench.samAccess.require().status()).state).toBe('locked');
  });
});

function ended(tapId: string): Promise<TapProgress> {
  return bench.gateway.waitForTap(tapId, new AbortController().signal);
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise(setImmediate);
}

/** What an online unlock of the day before left behind: the roster, in the store and in the SAM. */
async function giveRoster(): Promise<void> {
  const roster = await bench.centre.serviceProvider.roster();
  bench.store.roster.rememberRoster(roster);
  await bench.samAccess.require().updateRoster(new Uint8Array(Buffer.from(roster.update, 'base64')));
}

async function lock(person: string): Promise<void> {
  const caller = await bench.signIn(person);
  await bench.gateway.lockSam(caller, 'asked');
  await bench.gateway.signOut(caller);
}
