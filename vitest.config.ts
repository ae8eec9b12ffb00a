import { defineConfig } from 'vitest/config';

/** Unit tests stand beside their source; flow, referee and browser tests are told apart by suffix. */
export default defineConfig({
  test: {
    include: ['{appliance,drivers,centre,anchor,clinic,ui,provisioning,tools}/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
    reporters: ['default'],
  },
});
