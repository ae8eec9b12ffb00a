import { expect, test } from 'vitest';
import { type GatewayBench, openGatewayBench } from './testdata/gateway-bench.ts';

const HOUR_MS = 3_600_000;
const NOTE = { screen: 'counter', route: 'readVisit', requestId: '0123456789abcdef' };

/** What the evidence says of the log, entry by entry. */
const anchors = (bench: GatewayBench): number[] =>
  bench.records.flatMap((record) => (record.kind === 'access-log' ? [record.lastSeq] : []));

test('the evidence holds the head once an hour, when there is a new one, and when the appliance stops', async () => {
  const bench = await openGatewayBench();
  await bench.gateway.reconcileNow();
  expect(anchors(bench)).toEqual([]);
  bench.gateway.access.note(NOTE);
  await bench.gateway.reconcileNow();
  bench.gateway.access.note(NOTE);
  await bench.gateway.reconcileNow();
  expect(anchors(bench)).toEqual([1]);
  await bench.clock.advance(HOUR_MS);
  await bench.gateway.reconcileNow();
  await bench.gateway.reconcileNow();
  expect(anchors(bench)).toEqual([1, 2]);
  await bench.clock.advance(HOUR_MS);
  await bench.gateway.reconcileNow();
  expect(anchors(bench)).toEqual([1, 2]);
  bench.gateway.access.note(NOTE);
  await bench.close();
  expect(anchors(bench)).toEqual([1, 2, 3]);
});

test('a disk that refuses the anchor is asked again', async () => {
  const bench = await openGatewayBench();
  bench.gateway.access.note(NOTE);
  bench.refusesRecord = ({ kind }) => kind === 'access-log';
  await bench.gateway.reconcileNow();
  expect(anchors(bench)).toEqual([]);
  bench.refusesRecord = () => false;
  await bench.gateway.reconcileNow();
  expect(anchors(bench)).toEqual([1]);
  await bench.close();
});

test('an administrator reads a day of Japan, nobody else does', async () => {
  const bench = await openGatewayBench();
  const doctor = await bench.signIn('kakuu-ishi');
  bench.gateway.access.note({ ...NOTE, operatorId: doctor.operatorId });
  const day = new Date(bench.clock.nowMs() + 9 * HOUR_MS).toISOString().slice(0, 10);
  await expect(bench.gateway.access.ofDay(doctor, day)).rejects.toMatchObject({
    code: 'operator.role-insufficient',
  });
  const administrator = await bench.signIn('kakuu-jimu');
  const entries = await bench.gateway.access.ofDay(administrator, day);
  expect(entries).toMatchObject([{ seq: 1, operatorId: doctor.operatorId, displayName: '架空　医志' }]);
  expect(await bench.gateway.access.ofDay(administrator, '2001-01-01')).toEqual([]);
  await bench.close();
});
