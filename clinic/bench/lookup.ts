/** A card ID among a million patients. */
import { measureCardLookup } from '#store/patients.bench.ts';
import { type BenchResult, compare } from './result.ts';

export async function run(): Promise<BenchResult[]> {
  const { value, baseline } = await measureCardLookup();
  return [
    compare({
      name: 'card-id-lookup-1m-patients',
      value,
      unit: 'ms',
      baseline,
      baselineIs: 'the target',
      target: { of: 'value', atMost: 1 },
    }),
  ];
}
