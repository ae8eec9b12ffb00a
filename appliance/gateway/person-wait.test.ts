import { afterEach, describe, expect, test } from 'vitest';
import { type GatewayBench, openGatewayBench } from './testdata/gateway-bench.ts';

let bench: GatewayBench;
afterEach(() => bench.close());

const facts = () => bench.gateway.snapshot().facts;

describe('a SAM that a person locked', () => {
  test('waits for a person over a restart, too', async () => {
    const before = await openGatewayBench();
    await before.gateway.lockSam(await before.signIn(), 'asked');
    bench = await openGatewayBench({ startsFrom: before.databasePath });
    await before.close();
    expect(facts()).toMatchObject({ sam: 'locked', network: 'registered' });
    expect(bench.centre.scripts.unlock.calls).toBe(0);
    await bench.signIn();
    expect(facts()).toMatchObject({ sam: 'unlocked', samUnlock: 'online' });
    // A place that was lost waits for nobody.
    await bench.leave();
    await bench.arrive();
    expect(facts()).toMatchObject({ sam: 'unlocked' });
  });

  test('waits anew after each lock by a person, also when two fall into one moment', async () => {
    bench = await openGatewayBench();
    const caller = await bench.signIn();
    const momentMs = bench.clock.nowMs();
    for (const _lock of ['the first', 'the second']) {
      // As a wall clock that is set back may do.
      bench.clock.shiftWall(momentMs - bench.clock.nowMs());
      await bench.gateway.lockSam(caller, 'asked');
      bench.samSlot.remove();
      await bench.untilSnapshot(({ facts }) => facts.sam === 'absent');
      bench.samSlot.insert(bench.sam);
      await bench.clock.advance(1_000);
      await bench.untilSnapshot(({ facts }) => facts.sam !== 'absent');
      await bench.gateway.networkChanged('registered');
      expect(facts()).toMatchObject({ sam: 'locked' });
      await bench.gateway.unlockOnline(caller);
    }
  });
});
