/** Durable evidence against durable inserts of rows as large by SQLite alone. */
import { measureAppend } from '#store/ledger.bench.ts';
import { type BenchResult, compare } from './result.ts';

export async function run(): Promise<BenchResult[]> {
  return [
    compare({
      name: 'evidence-append',
      unit: 'entries/s',
      ...(await measureAppend()),
      baselineIs: 'bare SQLite durable inserts',
      target: { of: 'ratio', atLeast: 0.8 },
    }),
  ];
}
