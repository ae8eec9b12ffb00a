import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Flow, referee and browser tests wait for other processes: begun first, they do not make the end of a run wait for one of them. */
class LongKindsFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification): boolean =>
      /\.(flow|referee|browser)\.test\.ts$/.test(moduleId);
    return (await super.sort(files)).toSorted((a, b) => Number(isLong(b)) - Number(isLong(a)));
  }
}

/** Unit tests stand beside their source; flow, referee and browser tests are told apart by suffix. */
export default defineConfig({
  test: {
    include: ['{appliance,drivers,centre,anchor,clinic,ui,provisioning,tools}/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // What is waited for happens at once or never; how long a busy machine takes says nothing.
    expect: { poll: { timeout: 30_000, interval: 20 } },
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: LongKindsFirst },
    reporters: ['default'],
  },
});
