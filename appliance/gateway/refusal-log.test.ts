/** Whoever repeats a refused sign-in without end writes a bounded number of entries, and none of it is lost. */
import { afterEach, describe, expect, test } from 'vitest';
import { verifyEvidence } from '#clinic/evidence/verification.ts';
import type { EvidenceRecord } from '#evidence/record.ts';
import { exportEvidence } from '#store/export.ts';
import { FIRST_REFUSALS, SPAN_MS } from './refusal-log.ts';
import { type GatewayBench, openGatewayBench } from './testdata/gateway-bench.ts';

let bench: GatewayBench;
let isClosed = false;
afterEach(async () => {
  if (!isClosed) await bench.close();
  isClosed = false;
});

const kindOf = (kind: string): EvidenceRecord[] => bench.records.filter((record) => record.kind === kind);

async function refuse(times: number): Promise<void> {
  for (let turn = 0; turn < times; turn += 1)
    await expect(bench.gateway.signIn(bench.request('kakuu-jimu'))).rejects.toMatchObject({
      code: 'operator.unknown',
    });
}

/** A patient's card was left on the reader, and somebody asks to sign in with it, again and again. */
async function flood(): Promise<void> {
  bench = await openGatewayBench();
  bench.reader.insert(bench.card('mihon-taro'));
  await refuse(50);
}

describe('a flood of refusals', () => {
  test('is the first entries, and then one for all, when a span is over', async () => {
    await flood();
    expect(kindOf('operator-refused')).toHaveLength(FIRST_REFUSALS);
    expect(kindOf('operator-refusals')).toHaveLength(0);
    const from = new Date(bench.clock.nowMs()).toISOString();
    await bench.clock.advance(1_000);
    const to = new Date(bench.clock.nowMs()).toISOString();
    await refuse(1);
    await bench.clock.advance(SPAN_MS);
    await expect.poll(() => kindOf('operator-refusals')).toHaveLength(1);
    expect(kindOf('operator-refusals')).toMatchObject([
      { count: 51 - FIRST_REFUSALS, from, to, errors: { 'operator.unknown': 51 - FIRST_REFUSALS } },
    ]);
    const file = `${bench.databasePath}.export`;
    exportEvidence(bench.databasePath, file);
    const { deviceCaPem } = bench.region;
    expect(await verifyEvidence(file, { deviceCaPem })).toMatchObject({ ok: true });
  });

  test('however long, makes two entries per span at most, and every refusal is in one of them', async () => {
    await flood();
    const spans = 12;
    const steps = 4 * spans;
    for (let step = 0; step < steps; step += 1) {
      await bench.clock.advance(SPAN_MS / 4);
      await refuse(10);
    }
    isClosed = true;
    await bench.close();
    const entries = [...kindOf('operator-refused'), ...kindOf('operator-refusals')];
    expect(entries.length).toBeLessThanOrEqual(FIRST_REFUSALS + 2 * spans + 1);
    const inAll = entries.reduce((sum, entry) => sum + ('count' in entry ? entry.count : 1), 0);
    expect(inAll).toBe(50 + 10 * steps);
  });

  test('is counted on when the disk is full, and written when it is not', async () => {
    await flood();
    bench.refusesRecord = ({ kind }) => kind === 'operator-refusals';
    await bench.clock.advance(SPAN_MS);
    bench.refusesRecord = () => false;
    expect(kindOf('operator-refusals')).toEqual([]);
    await bench.clock.advance(SPAN_MS);
    await expect.poll(() => kindOf('operator-refusals')).toMatchObject([{ count: 50 - FIRST_REFUSALS }]);
  });

  test('is written down when the gateway closes', async () => {
    await flood();
    isClosed = true;
    await bench.close();
    expect(kindOf('operator-refusals')).toMatchObject([{ count: 50 - FIRST_REFUSALS }]);
  });
});
