import { afterEach, describe, expect, test } from 'vitest';
import { HOME, LeaseBench } from './testing/lease-bench.ts';

let bench: LeaseBench;
afterEach(() => bench.watcher.close());

describe('a lease', () => {
  test('begins with a granted answer and lives as long as answers come', async () => {
    bench = await new LeaseBench().settle();
    expect(bench.watcher.fact).toBe('registered');
    await bench.clock.advance(3_600_000);
    expect(bench.lost).toEqual([]);
    expect(bench.told).toEqual(['foreign', 'registered']);
    // Once a second, not more.
    expect(bench.questions).toBeGreaterThan(3_590);
    expect(bench.questions).toBeLessThan(3_700);
    expect(bench.watcher.ageMs).toBeLessThan(1_100);
  });

  test('nothing is asked and nothing begins before the system shows what it sees', async () => {
    bench = new LeaseBench();
    await bench.watcher.start();
    await bench.clock.advance(5_000);
    expect(bench.questions).toBe(0);
    expect(bench.watcher.fact).toBe('absent');
  });

  test('ends when the anchor is silent for the grace, counted from the last answered question', async () => {
    bench = await new LeaseBench().settle();
    await bench.clock.advance(10_000);
    const ageMs = bench.watcher.ageMs!;
    bench.verdict = undefined;
    await bench.clock.advance(3_000 - ageMs - 1);
    expect(bench.lost).toEqual([]);
    await bench.clock.advance(2);
    expect(bench.lost).toEqual(['anchor-silent']);
    expect(bench.watcher.fact).toBe('foreign');
  });

  test('survives one lost answer: the next question follows soon', async () => {
    bench = await new LeaseBench({ graceMs: 1_500 }).settle();
    await bench.clock.advance(920);
    bench.verdict = undefined;
    await bench.clock.advance(200);
    bench.verdict = 'granted';
    await bench.clock.advance(5_000);
    expect(bench.lost).toEqual([]);
  });

  test('is not prolonged by answers as old as the grace', async () => {
    bench = await new LeaseBench().settle();
    bench.ageMs = 3_000;
    await bench.clock.advance(20_000);
    expect(bench.lost).toEqual(['anchor-silent']);
  });

  test('ends when the verifier is gone, and comes back with it', async () => {
    bench = await new LeaseBench().settle();
    bench.isVerifierDead = true;
    await bench.clock.advance(3_500);
    expect(bench.lost).toEqual(['anchor-silent']);
    bench.isVerifierDead = false;
    await bench.clock.advance(400);
    expect(bench.watcher.fact).toBe('registered');
  });
});

describe('ends at once, and says why, when', () => {
  test.each([
    ['not-registered', 'device-not-registered'],
    ['revoked', 'device-revoked'],
    ['wrong-key', 'anchor-replaced'],
  ] as const)('the anchor answers %s', async (verdict, reason) => {
    bench = await new LeaseBench().settle();
    bench.verdict = verdict;
    await bench.clock.advance(1_100);
    expect(bench.lost).toEqual([reason]);
    expect(bench.watcher.lastEnd?.reason).toBe(reason);
  });

  test.each([
    ['link-down', { ...HOME, carrier: false }],
    ['address-changed', { ...HOME, addresses: ['192.168.10.6/24'] }],
    ['address-changed', { ...HOME, addresses: [] }],
    ['gateway-changed', { ...HOME, gateway: '192.168.10.254' }],
    ['gateway-changed', { ...HOME, gateway: undefined }],
    ['gateway-changed', { ...HOME, gatewayMac: '02:00:00:00:00:02' }],
    ['dhcp-server-changed', { ...HOME, dhcpServer: '192.168.10.7' }],
  ] as const)('the network shows %s', async (reason, sight) => {
    bench = await new LeaseBench().settle();
    bench.see({ type: 'changed', sight });
    expect(bench.lost).toEqual([reason]);
  });

  test('the wireless network has another name', async () => {
    bench = new LeaseBench();
    await bench.watcher.start();
    bench.see({ type: 'seeing', sight: { ...HOME, wirelessName: 'clinic' } });
    await bench.clock.advance(100);
    bench.see({ type: 'changed', sight: { ...HOME, wirelessName: 'cafe' } });
    expect(bench.lost).toEqual(['wireless-changed']);
  });

  test('the link falls, before anybody looked', async () => {
    bench = await new LeaseBench().settle();
    bench.see({ type: 'linkDown' });
    expect(bench.lost).toEqual(['link-down']);
    expect(bench.watcher.fact).toBe('absent');
  });

  test('nobody watches any more, until somebody does and has looked', async () => {
    bench = await new LeaseBench().settle();
    bench.see({ type: 'blind' });
    expect(bench.lost).toEqual(['watch-blind']);
    await bench.clock.advance(5_000);
    expect(bench.watcher.fact).toBe('foreign');
    bench.see({ type: 'seeing', sight: HOME });
    await bench.clock.advance(100);
    expect(bench.watcher.fact).toBe('registered');
  });

  test('the box slept', async () => {
    bench = await new LeaseBench().settle();
    bench.suspendedMs = 1_600;
    await bench.clock.advance(250);
    expect(bench.lost).toEqual(['suspended']);
  });

  test.each([2_500, -2_500])('its clock jumped by %d ms', async (jumpMs) => {
    bench = await new LeaseBench().settle();
    bench.wallJumpMs = jumpMs;
    await bench.clock.advance(250);
    expect(bench.lost).toEqual(['clock-jumped']);
  });

  test('its clock crept', async () => {
    bench = await new LeaseBench().settle();
    for (let step = 0; step < 21; step++) {
      bench.wallJumpMs += 100;
      await bench.clock.advance(1_000);
    }
    expect(bench.lost).toEqual(['clock-jumped']);
  });

  test('the enclosure opens; while it is open there is no other', async () => {
    bench = await new LeaseBench({ tamper: true }).settle();
    expect(bench.watcher.fact).toBe('foreign');
    bench.enclosure?.('closed');
    await bench.clock.advance(400);
    expect(bench.watcher.fact).toBe('registered');
    bench.enclosure?.('open');
    expect(bench.lost).toEqual(['tampered']);
    await bench.clock.advance(10_000);
    expect(bench.watcher.fact).toBe('foreign');
    // Also where there is no lease to lose: a permit ends by it.
    bench.enclosure?.('closed');
    bench.see({ type: 'linkDown' });
    bench.enclosure?.('open');
    expect(bench.told.filter((each) => each === 'tampered')).toHaveLength(2);
  });
});

describe('does not end when', () => {
  test('the gateway’s MAC is forgotten or learned', async () => {
    bench = await new LeaseBench().settle();
    bench.see({ type: 'changed', sight: { ...HOME, gatewayMac: undefined, dhcpServer: undefined } });
    bench.see({ type: 'changed', sight: HOME });
    expect(bench.lost).toEqual([]);
    // Forgotten is not forgiven.
    bench.see({ type: 'changed', sight: { ...HOME, gatewayMac: undefined } });
    bench.see({ type: 'changed', sight: { ...HOME, gatewayMac: '02:00:00:00:00:02' } });
    expect(bench.lost).toEqual(['gateway-changed']);
  });

  test('noise arrives', async () => {
    bench = await new LeaseBench().settle();
    bench.verdict = 'ignored';
    for (let count = 0; count < 1_000; count++) bench.hear(new Uint8Array([3]));
    bench.verdict = 'granted';
    await bench.clock.advance(5_000);
    expect(bench.lost).toEqual([]);
  });
});

test('after an end, the answer to a question from before begins nothing', async () => {
  bench = await new LeaseBench().settle();
  bench.ageMs = 500;
  await bench.clock.advance(1_000);
  bench.see({ type: 'linkDown' });
  await bench.clock.advance(1);
  bench.see({ type: 'changed', sight: HOME });
  // What was under way when the link fell arrives now.
  await bench.clock.advance(499);
  expect(bench.watcher.fact).toBe('foreign');
  await bench.clock.advance(2);
  expect(bench.watcher.fact).toBe('registered');
});

test('back again it asks at once', async () => {
  bench = await new LeaseBench().settle();
  bench.see({ type: 'linkDown' });
  await bench.clock.advance(60_000);
  bench.see({ type: 'changed', sight: HOME });
  await bench.clock.advance(5);
  expect(bench.watcher.fact).toBe('registered');
});

test('closed, it leaves no timer behind', async () => {
  bench = await new LeaseBench().settle();
  await bench.watcher.close();
  await bench.clock.advance(10);
  expect(bench.clock.isQuiet).toBe(true);
});
