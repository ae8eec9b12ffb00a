import { expect, test } from 'vitest';
import { measureCardLookup } from './patients.bench.ts';

test('a card ID is found by index: the benchmark runs, and finds everybody', async () => {
  const { value, baseline } = await measureCardLookup(20_000);
  expect(value).toBeLessThan(baseline);
});
