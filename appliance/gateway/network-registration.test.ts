import { afterEach, describe, expect, test } from 'vitest';
import { type GatewayBench, openGatewayBench } from './testdata/gateway-bench.ts';

let bench: GatewayBench;
afterEach(() => bench.close());

const FINGERPRINT = '000102030405060708090a0b0c0d0e0f'.repeat(2);
const registrations = () => bench.records.filter(({ kind }) => kind === 'network-registered');

describe('the network is registered', () => {
  test('by an administrator, on record, with the fingerprint that was compared', async () => {
    bench = await openGatewayBench();
    const administrator = await bench.signIn('kakuu-jimu');
    expect(await bench.gateway.network(administrator)).toEqual({
      networkId: FINGERPRINT.slice(0, 32),
      anchorKeySha256: FINGERPRINT,
    });
    await bench.gateway.registerNetwork(administrator, FINGERPRINT);
    expect(registrations()).toMatchObject([
      {
        networkId: FINGERPRINT.slice(0, 32),
        anchorKeySha256: FINGERPRINT,
        operatorId: administrator.operatorId,
        screen: administrator.screen,
        authorisation: { by: 'session' },
      },
    ]);
  });

  test('by nobody else, and by no fingerprint that differs', async () => {
    bench = await openGatewayBench();
    const doctor = await bench.signIn();
    await expect(bench.gateway.registerNetwork(doctor, FINGERPRINT)).rejects.toMatchObject({
      code: 'operator.role-insufficient',
    });
    const administrator = await bench.signIn('kakuu-jimu');
    await expect(bench.gateway.registerNetwork(administrator, 'ff'.repeat(32))).rejects.toMatchObject({
      code: 'network.key-differs',
    });
    expect(registrations()).toEqual([]);
  });
});

test('a lease that ends is on record with its reason', async () => {
  bench = await openGatewayBench();
  await bench.signIn();
  await bench.gateway.networkChanged('foreign', 'anchor-silent');
  expect(bench.records.filter(({ kind }) => kind === 'sam-locked')).toMatchObject([
    { reason: 'anchor-silent' },
  ]);
  // From one wrong place to another the SAM is not powered again.
  const { samAccess } = bench;
  const shut = samAccess.current;
  await bench.gateway.networkChanged('absent', 'link-down');
  expect(samAccess.current).toBe(shut);
});
