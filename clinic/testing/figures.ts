/** Figures that a test measures and prints, so that `npm run -s bench` can collect them from the test that knows how. */

/** Said by the benchmark that runs the test: measure as often as the project promises, not as often as a test has time. */
export const FULL_ROUNDS = 'SEKISHO_FULL_ROUNDS';
/** Begins a line with one figure as JSON. */
export const FIGURE_MARK = 'figure: ';

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

export function rounds(usual: number, full: number): number {
  return process.env[FULL_ROUNDS] === '1' ? full : usual;
}

export function tellFigure(figure: Figure): void {
  process.stdout.write(`${FIGURE_MARK}${JSON.stringify(figure)}\n`);
}

/** How often it happened, and how long it took: the 99th of a hundred, the worst, the median. */
export function tellTimes(name: string, timesMs: readonly number[], tried: number): void {
  const sorted = timesMs.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
  tellFigure({ name: `${name}-happened`, value: timesMs.length / tried, unit: `of ${tried}` });
  tellFigure({ name: `${name}-median`, value: at(0.5), unit: 'ms' });
  tellFigure({ name: `${name}-p99`, value: at(0.99), unit: 'ms' });
  tellFigure({ name: `${name}-slowest`, value: at(1), unit: 'ms' });
}
