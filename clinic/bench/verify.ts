/** Verifying an export against hashing the same bytes and nothing else. */
import { measureVerify } from '#evidence/verify.bench.ts';
import { type BenchResult, compare } from './result.ts';

/** The goal is either of the two. */
const FAST_ENOUGH_PER_SECOND = 200_000;
const FAST_ENOUGH_RATIO = 0.5;

export async function run(): Promise<BenchResult[]> {
  const { hashing, complete } = await measureVerify();
  const facts = { unit: 'entries/s', baselineIs: 'bare SHA-256 of the same entries' };
  const target =
    hashing.value >= FAST_ENOUGH_PER_SECOND
      ? ({ of: 'value', atLeast: FAST_ENOUGH_PER_SECOND } as const)
      : ({ of: 'ratio', atLeast: FAST_ENOUGH_RATIO } as const);
  return [
    compare({ name: 'evidence-verify-chain', ...hashing, ...facts, target }),
    compare({ name: 'evidence-verify-complete', ...complete, ...facts }),
  ];
}
