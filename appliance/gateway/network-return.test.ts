/** What happens when the network comes back, by what the service provider and a permit say: presence alone opens nothing. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type GatewayBench, openGatewayBench } from './testdata/gateway-bench.ts';

const ADMINISTRATOR = 'kakuu-jimu';
const NURSE = 'kakuu-kango';
const INS_EXTERNAL_AUTHENTICATE = 0x82;

let bench: GatewayBench;
beforeEach(async () => {
  bench = await openGatewayBench({ hasAnchor: true });
});
afterEach(() => bench.close());

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));
const facts = () => bench.gateway.snapshot().facts;
/** It asks the SP by itself; when that is over, only the snapshot tells. */
const untilUnlocked = () => bench.untilSnapshot(({ facts: { sam } }) => sam === 'unlocked');
const unlockCommands = (): number =>
  bench.sam.commands.filter(({ ins }) => ins === INS_EXTERNAL_AUTHENTICATE).length;
const code = (wanted: string): object => expect.objectContaining({ code: wanted });

async function restartSwitch(): Promise<void> {
  await bench.leave();
  expect(facts()).toMatchObject({ sam: 'locked', network: 'absent' });
  expect(facts().operator).toBeUndefined();
  await bench.arrive();
  await settled();
}

describe('a switch that restarts', () => {
  test('with the SP there is over without hands; nobody is signed in by it', async () => {
    await bench.signIn();
    await restartSwitch();
    await untilUnlocked();
    expect(facts()).toMatchObject({ sam: 'unlocked', samUnlock: 'online' });
    expect(facts().operator).toBeUndefined();
  });

  test('with the SP silent leaves it shut, however often; the SP coming back opens it', async () => {
    bench.centre.all = 'centre.unreachable';
    const before = unlockCommands();
    for (let count = 0; count < 20; count += 1) await restartSwitch();
    expect(facts().sam).toBe('locked');
    expect(unlockCommands()).toBe(before);
    bench.centre.all = 'good';
    bench.gateway.refresh();
    await untilUnlocked();
    expect(facts()).toMatchObject({ sam: 'unlocked', samUnlock: 'online' });
  });

  test('with the SP silent an operator opens it with card and PIN', async () => {
    bench.centre.all = 'centre.unreachable';
    await restartSwitch();
    await bench.signIn();
    expect(facts()).toMatchObject({ sam: 'unlocked', samUnlock: 'offline' });
  });

  test('with the SP refusing leaves it shut, also for a card, also when the SP is silent afterwards', async () => {
    bench.centre.scripts.unlock.behaviour = 'centre.refused';
    await restartSwitch();
    await expect(bench.signIn()).rejects.toEqual(code('centre.refused'));
    bench.centre.all = 'centre.unreachable';
    await expect(bench.signIn()).rejects.toEqual(code('centre.refused'));
    expect(facts().sam).toBe('locked');
  });

  test('with a permit that waits for its trip changes nothing about that', async () => {
    const caller = await bench.signIn(ADMINISTRATOR);
    const { operators } = bench.store.roster.roster()!;
    const nurse = operators.find(({ roles }) => roles.includes('nurse'))!.keyId.slice(0, 16);
    const until = new Date(bench.clock.nowMs() + 3_600_000).toISOString();
    const wish = { until, maxUses: 3, operators: [nurse] };
    await bench.withCard(bench.card(ADMINISTRATOR), () =>
      bench.gateway.permits.grant(caller, wish, bench.request(ADMINISTRATOR)),
    );
    await restartSwitch();
    await untilUnlocked();
    expect(facts()).toMatchObject({ sam: 'unlocked', samUnlock: 'online', permit: 'carryOut' });
    expect(bench.gateway.snapshot().carryOut).toMatchObject({ isUsed: false, usesLeft: 3 });
    await bench.leave('foreign');
    bench.centre.all = 'centre.unreachable';
    await bench.signIn(NURSE);
    expect(facts()).toMatchObject({ sam: 'unlocked', samUnlock: 'offline' });
  });
});
