/** The broker takes the power off by itself: the gateway follows, whatever it was doing. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SimulatedSam } from '#drivers/simulated/sam/simulated-sam.ts';
import { type GatewayBench, openGatewayBench } from './testdata/gateway-bench.ts';

let bench: GatewayBench;
beforeEach(async () => {
  bench = await openGatewayBench();
});
afterEach(() => bench.close());

const INS_TICK_STAMP = 0x10;
const facts = () => bench.gateway.snapshot().facts;

test('the operator session ends, the tap ends with evidence, and the lock is stamped by the SAM that is back', async () => {
  const caller = await bench.signIn();
  const { tapId } = await bench.startTap(caller);
  await bench.gateway.decideConsent(caller, tapId, 'ok', 'screen');
  const powerUps = bench.sam.powerUps;
  const before = bench.sam.commands.length;
  await bench.broker.wipe('anchor-silent');
  const { state, error } = await bench.gateway.waitForTap(tapId, new AbortController().signal);
  expect({ state, error }).toMatchObject({ state: 'failed' });
  while (!bench.records.some(({ kind }) => kind === 'sam-locked')) await new Promise(setImmediate);
  expect(facts()).toMatchObject({ sam: 'locked' });
  expect(facts().operator).toBeUndefined();
  expect(bench.sam.powerUps).toBe(powerUps + 1);
  const locked = bench.records.find(({ kind }) => kind === 'sam-locked');
  expect(locked).toMatchObject({ reason: 'anchor-silent' });
  await bench.gateway.reconcileNow();
  expect(bench.sam.commands.slice(before).filter(({ ins }) => ins === INS_TICK_STAMP).length).toBeGreaterThan(
    0,
  );
  expect(bench.records.some(({ kind }) => kind === 'visit')).toBe(true);
});

test('a broker that knows of no operator refuses the tap, and the counter asks for a sign-in', async () => {
  const caller = await bench.signIn();
  await bench.samAccess.operator.signOut();
  const visit = await bench.tap(caller, bench.card('mihon-taro'));
  expect(visit).toMatchObject({ outcome: 'failed', error: 'operator.session-ended' });
  expect(facts().operator).toBeUndefined();
  expect(await bench.tap(await bench.signIn(), bench.card('mihon-taro'))).toMatchObject({
    outcome: 'accepted',
  });
});

test('a SAM that was personalised anew gets the roster again', async () => {
  bench.samSlot.remove();
  await bench.untilSnapshot(({ facts: { sam } }) => sam === 'absent');
  const state = { ...structuredClone(bench.simulatedSam.state), rosterVersion: 0, roster: [] };
  const renewed = new SimulatedSam({ state, clock: bench.clock });
  bench.samSlot.insert(renewed);
  await bench.clock.advance(2_000);
  await bench.untilSnapshot(({ facts: { sam } }) => sam === 'unlocked');
  await bench.signIn();
  expect(renewed.state.rosterVersion).toBe(1);
  bench.samSlot.remove();
  await bench.untilSnapshot(({ facts: { sam } }) => sam === 'absent');
});
