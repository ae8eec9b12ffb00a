import { defineConfig } from 'vitest/config';

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
    reporters: ['default'],
  },
});
