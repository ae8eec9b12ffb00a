/**
 * Everything at once: people, cards, network, SAM and centre do what they do without waiting for each other. No use of
 * the organisation key that nobody allowed (the bench watches), no error without a name, no counter that stays busy,
 * and evidence that verifies afterwards.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { verifyEvidence } from '#clinic/evidence/verification.ts';
import { SekishoError } from '#contract/errors.ts';
import { exportEvidence } from '#store/export.ts';
import type { Caller } from './face.ts';
import { type GatewayBench, MATCH, openGatewayBench } from './testdata/gateway-bench.ts';
import { SAMPLE_INSURED } from './testdata/scripted-centre.ts';

const RUNS = 25;
const BURSTS = 8;
const AT_ONCE = 5;

type Counter = GatewayBench & { caller?: Caller };
type Deed = (counter: Counter) => Promise<unknown>;

const signsIn =
  (person: string): Deed =>
  async (counter) => {
    counter.caller = await counter.signIn(person);
  };

const current = (counter: Counter): string => counter.gateway.snapshot().tap?.tapId ?? 'none';
const caller = (counter: Counter): Caller => counter.caller ?? { operatorId: 'nobody', screen: 'x' };

const DEEDS: Record<string, { readonly weight: number; readonly deed: Deed }> = {
  'the doctor signs in': { weight: 4, deed: signsIn('kakuu-ishi') },
  'the clerk signs in': { weight: 2, deed: signsIn('kakuu-jimu') },
  'the operator signs out': { weight: 1, deed: (counter) => counter.gateway.signOut(caller(counter)) },
  'a whole tap': {
    weight: 6,
    deed: async (counter) => {
      counter.caller ??= await counter.signIn();
      await counter.tap(caller(counter), counter.card('mihon-taro'));
    },
  },
  'a tap starts': { weight: 2, deed: (counter) => counter.startTap(caller(counter)) },
  'somebody agrees': {
    weight: 4,
    deed: async (counter) => {
      counter.reader.insert(counter.card('shiken-mirai'));
      await counter.gateway.decideConsent(caller(counter), current(counter), 'ok', 'button');
      await counter.gateway.waitForTap(current(counter), new AbortController().signal);
    },
  },
  'a face is compared': {
    weight: 2,
    deed: (counter) => counter.gateway.recordFaceCheck(caller(counter), current(counter), MATCH),
  },
  'a tap is cancelled': {
    weight: 2,
    deed: (counter) => counter.gateway.cancelTap(caller(counter), current(counter)),
  },
  'the cards are taken away': { weight: 2, deed: async (counter) => counter.reader.remove() },
  'the network goes': { weight: 2, deed: (counter) => counter.gateway.networkChanged('absent') },
  'the network comes': { weight: 5, deed: (counter) => counter.gateway.networkChanged('registered') },
  'the SAM leaves': { weight: 1, deed: async (counter) => counter.samSlot.remove() },
  'the SAM comes': {
    weight: 4,
    deed: async (counter) => {
      if (!counter.samSlot.isOccupied) counter.samSlot.insert(counter.sam);
    },
  },
  'the SAM is locked': { weight: 1, deed: (counter) => counter.gateway.lockSam(caller(counter), 'asked') },
  'the SAM is unlocked online': {
    weight: 2,
    deed: (counter) => counter.gateway.unlockOnline(caller(counter)),
  },
  'the SAM is unlocked by card': {
    weight: 2,
    deed: (counter) =>
      counter.withCard(counter.card('kakuu-ishi'), () =>
        counter.gateway.unlockOffline(caller(counter), counter.request()),
      ),
  },
  'the centre falls silent': {
    weight: 1,
    deed: async (counter) => {
      counter.centre.all = 'silent';
    },
  },
  'the centre fails': {
    weight: 1,
    deed: async (counter) => {
      counter.centre.all = 'centre.timeout';
    },
  },
  'what is open is tried again': { weight: 1, deed: (counter) => counter.gateway.reconcileNow() },
  'somebody comes without a card': {
    weight: 1,
    deed: (counter) => counter.gateway.visitByInsuredNumber(caller(counter), SAMPLE_INSURED, 'P-1'),
  },
};

/** What once had no end: the power cycle came while a sign-in asked the SAM whether it is still there. */
const KNOWN_HANGS: [string[][]][] = [
  [[['the clerk signs in', 'the network goes'], ['the network comes'], ['the doctor signs in']]],
  [[['a whole tap', 'the network goes', 'the network comes'], ['a tap starts'], ['a whole tap']]],
];

/**
 * Time passes until everything has come to an end. All waits but those for worker threads are in virtual time, so that
 * most of an hour proves a hang; each turn leaves the processor to the threads for a moment, or a busy machine would look
 * like one.
 */
async function untilOver(counter: Counter, work: readonly Promise<unknown>[]): Promise<void> {
  let isOver = false;
  const all = Promise.allSettled(work).then((outcomes) => {
    isOver = true;
    return outcomes;
  });
  for (let turns = 0; !isOver; turns += 1) {
    expect(turns, 'something never ends').toBeLessThan(3_000);
    await new Promise(setImmediate);
    if (turns > 20) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      for (const script of Object.values(counter.centre.scripts)) script.release();
      await counter.clock.advance(1_000);
    }
  }
  for (const outcome of await all) {
    if (outcome.status === 'fulfilled') continue;
    expect(outcome.reason).toBeInstanceOf(SekishoError);
    expect(outcome.reason.code).not.toBe('internal.bug');
  }
}

async function expectOneMorePatient(counter: Counter): Promise<void> {
  counter.reader.remove();
  for (const script of Object.values(counter.centre.scripts)) script.release();
  if (!counter.samSlot.isOccupied) counter.samSlot.insert(counter.sam);
  await counter.clock.advance(10_000);
  await counter.gateway.networkChanged('registered');
  await counter.untilSnapshot(({ facts }) => facts.sam !== 'absent');
  const { tap } = counter.gateway.snapshot();
  if (tap !== undefined && tap.state !== 'done' && tap.state !== 'failed') {
    await counter.gateway.networkChanged('foreign');
    await counter.gateway.networkChanged('registered');
  }
  counter.caller = await counter.signIn();
  expect(await counter.tap(counter.caller, counter.card('mihon-hanako'))).toMatchObject({
    outcome: 'accepted',
  });
}

test('leaves a counter that works and evidence that verifies', { timeout: 120_000 }, async () => {
  const names = Object.entries(DEEDS).map(([name, { weight }]) => ({ weight, arbitrary: fc.constant(name) }));
  const burst = fc.array(fc.oneof(...names), { minLength: 1, maxLength: AT_ONCE });
  await fc.assert(
    fc.asyncProperty(fc.array(burst, { minLength: BURSTS, maxLength: BURSTS }), async (bursts) => {
      const counter: Counter = await openGatewayBench({
        limits: { operatorFailures: 1_000, tapsPerCardPerDay: 1_000 },
      });
      for (const deeds of bursts) {
        await untilOver(
          counter,
          deeds.map((name) => DEEDS[name]!.deed(counter)),
        );
      }
      await expectOneMorePatient(counter);
      const file = `${counter.databasePath}.export`;
      exportEvidence(counter.databasePath, file);
      const { deviceCaPem } = counter.region;
      expect(await verifyEvidence(file, { deviceCaPem })).toMatchObject({ ok: true });
      await counter.close();
    }),
    { numRuns: RUNS, examples: KNOWN_HANGS },
  );
});
