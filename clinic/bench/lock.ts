/**
 * How soon the SAM has no power, and what nobody gets: figures of the tests that know how to measure them, which run here as
 * often as the project promises. Each test prints its figures (`clinic/testing/figures.ts`).
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { alone, type BenchResult, compare } from './result.ts';

/** This file runs from `build/`. */
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const TIMED = ['clinic/carried-away.flow.test.ts', 'appliance/broker/broker-process.flow.test.ts'];
/** What these count does not depend on how busy the machine is. */
const COUNTED = [
  'appliance/lease/network.flow.test.ts',
  'appliance/broker/forged-proofs.flow.test.ts',
  'appliance/broker/broker.model.flow.test.ts',
  'clinic/canary-process.flow.test.ts',
];
const FIGURE = /figure: (\{.*\})$/;

const GRACE_MS = 1_000;
/** By the name of the figure; what has no target is told beside. */
const AT_MOST: Readonly<Record<string, number>> = {
  'link-down-p99': 250,
  'lease-back-slowest': 2_000,
  [`anchor-silent-grace-${GRACE_MS}ms-slowest`]: GRACE_MS + 250,
  [`gateway-sigstop-grace-${GRACE_MS}ms-slowest`]: GRACE_MS + 250,
  'gateway-kill-9-p99': 200,
  'broker-kill-9-p99': 200,
  'ordered-wipe-p99': 150,
  'ordered-wipe-in-apdu-of-95ms-p99': 150,
  'ordered-wipe-in-apdu-of-200ms-p99': 150,
  'ordered-wipe-of-hung-sam-p99': 150,
  'link-down-with-hung-sam-p99': 250,
  [`anchor-silent-grace-${GRACE_MS}ms-with-hung-sam-slowest`]: GRACE_MS + 250,
  'ordered-wipe-of-hung-sam-back-slowest': 5_000,
};
const ZERO = [
  'cloned-network-leases',
  'forged-lease-answers-accepted',
  'forged-grants-accepted',
  'organisation-key-without-right',
  'marks-in-database-and-log',
];
/** Of what may be nowhere, in the memory of locked processes. */
const IN_MEMORY = /^memory-of-/;
const FAILED = /^failed: /;
const HAPPENED = /-happened$/;

interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

export async function run(): Promise<BenchResult[]> {
  const figures: Figure[] = [];
  // One after another: what is timed shares its processors with nothing else of ours.
  for (const test of TIMED) figures.push(...(await figuresOf(test)));
  figures.push(...(await Promise.all(COUNTED.map(figuresOf))).flat());
  return figures.map(judge);
}

async function figuresOf(test: string): Promise<Figure[]> {
  process.stderr.write(`  ${test}\n`);
  const words = ['node_modules/vitest/vitest.mjs', 'run', test];
  const child = spawn(process.execPath, words, {
    cwd: ROOT,
    env: { ...process.env, SEKISHO_FULL_ROUNDS: '1', NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const said: string[] = [];
  const read = async (lines: NodeJS.ReadableStream): Promise<void> => {
    for await (const line of createInterface({ input: lines })) said.push(line);
  };
  await Promise.all([read(child.stdout), read(child.stderr)]);
  const figures = said.flatMap((line) => {
    const [, figure] = FIGURE.exec(line) ?? [];
    return figure === undefined ? [] : [JSON.parse(figure) as Figure];
  });
  if ((await ended) === 0) return figures;
  // What it measured until then counts, and so does that it failed.
  process.stderr.write(`${said.slice(-60).join('\n')}\n`);
  return [...figures, { name: `failed: ${test}`, value: 1, unit: 'test file' }];
}

function judge(figure: Figure): BenchResult {
  if (HAPPENED.test(figure.name)) return { ...alone(figure), target: { of: 'value', atLeast: 1 } };
  if (ZERO.includes(figure.name) || IN_MEMORY.test(figure.name) || FAILED.test(figure.name))
    return { ...alone(figure), target: { of: 'value', atMost: 0 } };
  const atMost = AT_MOST[figure.name];
  if (atMost === undefined) return alone(figure);
  return compare({
    ...figure,
    baseline: atMost,
    baselineIs: 'the target',
    target: { of: 'value', atMost },
  });
}
