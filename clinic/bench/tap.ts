/** Wall time of a tap against the lower bound that the timing profile allows, with everything parallel that can be. */
import type { ReaderKind } from '../readers.ts';
import { type BenchResult, compare, median } from './result.ts';
import { withClinicInProcess } from './tap-clinic.ts';

const TAPS = 15;

export function run(): Promise<BenchResult[]> {
  return measureTaps('inprocess', { name: 'tap-wall-time', atMost: 1.05 });
}

export async function measureTaps(
  reader: Exclude<ReaderKind, 'pcsc'>,
  { name, atMost }: { readonly name: string; readonly atMost: number },
): Promise<BenchResult[]> {
  const taps = await withClinicInProcess(reader, async (tap) => {
    const reports = [];
    for (let count = 0; count < TAPS; count += 1) reports.push(await tap());
    return reports;
  });
  return [
    compare({
      name,
      value: median(taps.map(({ totalMs }) => totalMs)),
      unit: 'ms',
      baseline: median(taps.map(({ criticalPathMs }) => criticalPathMs)),
      baselineIs: 'critical path by the timing profile',
      target: { of: 'ratio', atMost },
    }),
  ];
}
