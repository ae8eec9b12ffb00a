/** A SAM that does not lock when told to, and one that falls silent while nobody works. */
import { afterEach, describe, expect, test } from 'vitest';
import { type GatewayBench, openGatewayBench } from './testdata/gateway-bench.ts';

let bench: GatewayBench;
afterEach(() => bench.close());

const facts = () => bench.gateway.snapshot().facts;
const INS_LOCK = 0x18;
const STATUS_OBJECT = 0xdf20;

function refuseLock(): void {
  bench.samSlot.faults.push({
    name: 'no lock',
    handle: ({ command }) =>
      command[1] === INS_LOCK
        ? Promise.resolve({ kind: 'answer', bytes: Uint8Array.of(0x6f, 0) })
        : undefined,
  });
}

describe('locking', () => {
  test('a SAM that refuses to lock loses its power before anybody is told that it is locked', async () => {
    bench = await openGatewayBench();
    const caller = await bench.signIn();
    const powerUps = bench.sam.powerUps;
    refuseLock();
    await bench.gateway.lockSam(caller, 'asked');
    expect(bench.sam.powerUps).toBe(powerUps + 1);
    expect((await bench.samAccess.require().status()).state).toBe('locked');
    expect(facts().sam).toBe('locked');
    expect(bench.records.map(({ kind }) => kind)).toContain('sam-locked');
  });

  test('one that can not be powered off either is a typed error, and never shown as locked', async () => {
    bench = await openGatewayBench();
    const caller = await bench.signIn();
    refuseLock();
    const close = bench.broker.stick();
    const shown: string[] = [];
    await expect(bench.gateway.lockSam(caller, 'asked')).rejects.toMatchObject({ code: 'sam.lock-failed' });
    shown.push(facts().sam);
    expect(shown).toEqual(['absent']);
    expect(bench.records.map(({ kind }) => kind)).not.toContain('sam-locked');
    // Asked again it is not locked either.
    await expect(bench.gateway.lockSam(caller, 'asked')).rejects.toMatchObject({ code: 'sam.lock-failed' });
    await close();
    await bench.clock.advance(2_000);
    await bench.untilSnapshot(({ facts: { sam } }) => sam === 'unlocked');
    // Opened again it is locked for certain, and only now the evidence says so; once.
    const kinds = () => bench.records.map(({ kind }) => kind).filter((kind) => kind.startsWith('sam-'));
    await expect.poll(kinds).toEqual(['sam-unlocked', 'sam-locked', 'sam-unlocked']);
  });
});

describe('a line that died', () => {
  const die = (): void => {
    bench.samSlot.faults.push({
      name: 'dead',
      handle: () => {
        bench.samSlot.faults.length = 0;
        return Promise.resolve({ kind: 'answer', bytes: Uint8Array.of(0x6f, 0) });
      },
    });
  };

  test.each(['locked', 'unlocked'])('is opened anew before the operator signs in, %s', async (state) => {
    bench = await openGatewayBench();
    if (state === 'locked') await bench.gateway.lockSam(await bench.signIn(), 'asked');
    const powerUps = bench.sam.powerUps;
    die();
    await bench.signIn();
    expect(bench.sam.powerUps).toBe(powerUps + 1);
    await bench.untilSnapshot(({ facts: { sam } }) => sam === 'unlocked');
  });

  test('is opened anew before an unlock', async () => {
    bench = await openGatewayBench();
    const caller = await bench.signIn();
    await bench.gateway.lockSam(caller, 'asked');
    die();
    await bench.gateway.unlockOnline(caller);
    expect(facts().sam).toBe('unlocked');
  });

  test('of a locked SAM is noticed when nobody works', async () => {
    bench = await openGatewayBench();
    await bench.gateway.lockSam(await bench.signIn(), 'asked');
    const powerUps = bench.sam.powerUps;
    die();
    await bench.clock.advance(15_000);
    await bench.untilSnapshot(({ facts: { sam } }) => sam === 'locked');
    expect(bench.sam.powerUps).toBe(powerUps + 1);
  });
});

describe('a power cycle while somebody looks whether the SAM is there', () => {
  test.each(['unlock', 'sign-in'] as const)('keeps nobody waiting: %s', async (who) => {
    bench = await openGatewayBench();
    const caller = await bench.signIn();
    await bench.gateway.lockSam(caller, 'asked');
    const moves: Promise<void>[] = [];
    bench.sam.onCommand = ({ p1, p2 }) => {
      if ((p1 << 8) + p2 !== STATUS_OBJECT || moves.length > 0) return;
      moves.push(bench.gateway.networkChanged('absent'), bench.gateway.networkChanged('registered'));
    };
    const asked = who === 'unlock' ? bench.gateway.unlockOnline(caller) : bench.signIn();
    await Promise.allSettled([asked]);
    await Promise.all(moves);
    expect(moves).toHaveLength(2);
    // Whoever signs in has asked for nothing yet while the card is looked at.
    if (who === 'unlock') await bench.untilSnapshot(({ facts: { sam } }) => sam === 'unlocked');
    await bench.signIn();
    expect(facts().sam).toBe('unlocked');
  });
});
