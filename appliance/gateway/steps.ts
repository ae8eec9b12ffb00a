/** Measures the named steps of a tap and shows them while they run. Steps may run in parallel. */
import type { TapProgress, TapStepName } from '#contract/snapshot.ts';
import type { Clock } from '#ports/clock.ts';

type Step = TapProgress['steps'][number];

export class StepTimer {
  readonly #clock: Clock;
  readonly #changed: () => void;
  readonly #steps: Step[] = [];

  constructor(clock: Clock, changed: () => void) {
    this.#clock = clock;
    this.#changed = changed;
  }

  /** Runs `work` as the step `name`; a throw marks it failed and goes on up. */
  async run<T>(name: TapStepName, work: () => Promise<T>): Promise<T> {
    const index = this.#steps.push({ name, state: 'running' }) - 1;
    this.#changed();
    const startMs = this.#clock.monotonicMs();
    const end = (state: 'done' | 'failed'): void => {
      const ms = Math.round((this.#clock.monotonicMs() - startMs) * 10) / 10;
      this.#steps[index] = { name, state, ms };
      this.#changed();
    };
    try {
      const result = await work();
      end('done');
      return result;
    } catch (thrown) {
      end('failed');
      throw thrown;
    }
  }

  skip(name: TapStepName): void {
    this.#steps.push({ name, state: 'skipped' });
    this.#changed();
  }

  /** What the screen shows now. */
  list(): Step[] {
    return [...this.#steps];
  }

  /** What the visit record keeps: the finished steps with their durations. */
  finished(): { name: string; ms: number }[] {
    return this.#steps.flatMap((step) => (step.ms === undefined ? [] : [{ name: step.name, ms: step.ms }]));
  }
}
