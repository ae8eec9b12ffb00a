import { defineConfig } from 'vitest/config';

const TESTS = '{appliance,drivers,centre,anchor,clinic,ui,provisioning,tools}/**/*';
/** Told apart by the end of their names; a unit test stands beside its source. */
const KINDS = ['browser', 'flow', 'referee'] as const;
const filesOf = (kind: string): string => `${TESTS}.${kind}.test.ts`;

const project = (name: string, include: string, groupOrder: number, exclude: string[] = []) => ({
  extends: true as const,
  test: { name, include: [include], exclude, sequence: { groupOrder } },
});

/**
 * Browsers first, and not beside tests that plug network cables: they drop their connections when an address changes
 * (ERR_NETWORK_CHANGED). The others in the order of their names: long ones do not make the end of a run wait for one of them.
 */
export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // What is waited for happens at once or never; how long a busy machine takes says nothing.
    expect: { poll: { timeout: 30_000, interval: 20 } },
    pool: 'forks',
    maxWorkers: 2,
    reporters: ['default'],
    projects: [
      ...KINDS.map((kind) => project(kind, filesOf(kind), kind === 'browser' ? 0 : 1)),
      project('unit', `${TESTS}.test.ts`, 1, KINDS.map(filesOf)),
    ],
  },
});
