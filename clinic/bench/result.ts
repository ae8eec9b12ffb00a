/** What a benchmark tells. */

export interface BenchResult {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The same work done by something else in the same run, in the same unit; null when there is nothing to compare with. */
  readonly baseline: number | null;
  /** `value / baseline`. */
  readonly ratio: number | null;
  /** For people: what the baseline is. */
  readonly baselineIs?: string;
  /** What the figure must keep. */
  readonly target?: Target;
}

export interface Target {
  readonly of: 'value' | 'ratio';
  readonly atMost?: number;
  readonly atLeast?: number;
}

export function compare(
  facts: Omit<BenchResult, 'ratio' | 'baseline'> & { readonly baseline: number },
): BenchResult {
  return { ...facts, ratio: facts.value / facts.baseline };
}

export function alone(facts: Omit<BenchResult, 'ratio' | 'baseline'>): BenchResult {
  return { ...facts, baseline: null, ratio: null };
}

/** Undefined when there is no target. */
export function isMet({ value, ratio, target }: BenchResult): boolean | undefined {
  if (target === undefined) return undefined;
  const figure = target.of === 'value' ? value : ratio;
  if (figure === null) return false;
  return figure <= (target.atMost ?? Infinity) && figure >= (target.atLeast ?? -Infinity);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

export async function timeOf(work: () => unknown): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}
