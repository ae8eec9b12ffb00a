/**
 * `node tools/check.mjs [--fast | --only unit|flow|referee|browser]`: everything that must be green. An early failure
 * hides no later one; the last line is `N passed, N failed`, counting the steps and the tests.
 *
 * --fast leaves out flow, referee and browser tests; --only runs one kind of tests and nothing else.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endLeftovers, findLeftovers, MARK, waitForLeftovers } from './leftovers.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** The projects of vitest.config.ts. */
const KINDS = ['unit', 'flow', 'referee', 'browser'];
/** A run that hangs must not eat the whole budget of CI (30 minutes) before it says so. */
const TESTS_TIMEOUT_MS = 22 * 60_000;
const USAGE = `usage: node tools/check.mjs [--fast | --only ${KINDS.join('|')}]\n`;

const BUILD = ['build', 'tools/build.mjs'];
const STEPS = [
  ['format and lint', 'node_modules/@biomejs/biome/bin/biome', 'ci'],
  ['types', 'node_modules/typescript/lib/tsc.js', '-p', 'tsconfig.json'],
  ['boundaries', 'tools/boundaries.mjs'],
  BUILD,
];

/** Runs a program of this Node; answers whether it succeeded. */
function succeeds(program, words, { timeoutMs, variables } = {}) {
  const child = spawn(process.execPath, [join(ROOT, program), ...words], {
    cwd: ROOT,
    env: { ...process.env, ...MARK, ...variables },
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  return new Promise((resolve) => child.on('exit', (code) => resolve(code === 0)));
}

const tally = { passed: 0, failed: 0 };

function count(name, isGood, startedAtMs) {
  tally[isGood ? 'passed' : 'failed'] += 1;
  console.log(`${isGood ? '✓' : '✗'} ${name} (${((Date.now() - startedAtMs) / 1000).toFixed(1)} s)`);
}

async function runStep([name, program, ...words]) {
  const startedAtMs = Date.now();
  count(name, await succeeds(program, words), startedAtMs);
}

function selectTests({ fast, only }) {
  const kind = fast ? 'unit' : only;
  return kind === undefined ? [] : ['--project', kind];
}

/** What tally.mjs wrote; a vitest that died wrote nothing. */
function readTally(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { passed: 0, failed: 1, skipped: 0 };
}

async function runTests(choice) {
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-check-'));
  const file = join(folder, 'tally.json');
  const words = ['run', '--reporter=default', '--reporter=./tools/tally.mjs', ...selectTests(choice)];
  const isGood = await succeeds('node_modules/vitest/vitest.mjs', words, {
    timeoutMs: TESTS_TIMEOUT_MS,
    variables: { SEKISHO_TALLY: file },
  });
  const { passed, failed, skipped } = readTally(file);
  rmSync(folder, { recursive: true });
  tally.passed += passed;
  tally.failed += isGood ? failed : Math.max(failed, 1);
  if (skipped > 0) console.log(`${skipped} tests skipped`);
}

/** Tests clean up after themselves. */
async function judgeLeftovers() {
  const startedAtMs = Date.now();
  const leftovers = await waitForLeftovers();
  for (const { pid, command } of leftovers) console.error(`left behind: ${pid} ${command}`);
  endLeftovers(leftovers);
  count('no process left behind', leftovers.length === 0, startedAtMs);
}

function readChoice([flag, kind, ...rest]) {
  if (flag === undefined) return {};
  if (flag === '--fast' && kind === undefined) return { fast: true };
  if (flag === '--only' && KINDS.includes(kind) && rest.length === 0) return { only: kind };
  process.stderr.write(USAGE);
  process.exit(2);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    endLeftovers(findLeftovers());
    process.exit(1);
  });
}
const choice = readChoice(process.argv.slice(2));
for (const step of choice.only === undefined ? STEPS : [BUILD]) await runStep(step);
await runTests(choice);
await judgeLeftovers();
process.exitCode = tally.failed === 0 ? 0 : 1;
console.log(`${tally.passed} passed, ${tally.failed} failed`);
