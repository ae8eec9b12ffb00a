/** A reporter for vitest: writes how many tests passed, failed or were skipped to the file that it is told to. */
import { writeFileSync } from 'node:fs';

/** A test that a crash left unfinished has failed. */
const OUTCOME = { passed: 'passed', failed: 'failed', pending: 'failed', skipped: 'skipped' };

function count(modules, errors) {
  const tally = { passed: 0, failed: errors.length, skipped: 0 };
  for (const module of modules) {
    // A file that did not load, or whose worker died, has no test to blame.
    if (module.errors().length > 0 || ['queued', 'pending'].includes(module.state())) tally.failed += 1;
    for (const test of module.children.allTests()) tally[OUTCOME[test.result().state]] += 1;
  }
  return tally;
}

// biome-ignore lint/style/noDefaultExport: vitest wants it
export default class Tally {
  onTestRunEnd(modules, errors) {
    writeFileSync(process.env.SEKISHO_TALLY, JSON.stringify(count(modules, errors)));
  }
}
