/**
 * How soon a reader is ready again: unplugged and plugged in, and with a pcscd that was killed and started again.
 *
 * A real pcscd with virtual readers, looked after as in the appliance. The time runs from the moment when pcscd lists the
 * reader again to `ready`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  isPrivatePcscdAvailable,
  PcscReader,
  type PrivatePcscd,
  startPrivatePcscd,
} from '#drivers/pcsc/index.ts';
import { SupervisedReader } from '#drivers/supervision/index.ts';
import { systemClock } from '#ports/clock.ts';
import { silentLogger } from '#ports/logger.ts';
import { type BenchResult, compare, median } from './result.ts';

const ROUNDS = 50;
const TARGETS_MS = { 're-plugged': 3_000, 'pcscd-restarted': 5_000 } as const;
const GIVE_UP_MS = 30_000;

export type Loss = keyof typeof TARGETS_MS;

export interface Recoveries {
  readonly rounds: number;
  /** One for each round in which it came back. */
  readonly readyAfterMs: readonly number[];
}

/** Takes the reader away and gives it back, `rounds` times. */
export async function measureRecovery(loss: Loss, rounds: number): Promise<Recoveries> {
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-recovery-'));
  const pcscd = await startPrivatePcscd({ folder });
  const inner = new PcscReader({ socketPath: pcscd.socketPath, recoveryTimeoutMs: 0 });
  // Looks often, so that a round does not last a second only to see the reader go; how it comes back is as always.
  const limits = { lookEveryMs: 20 };
  const reader = new SupervisedReader(inner, { clock: systemClock, logger: silentLogger, limits });
  try {
    await reader.start();
    const readyAfterMs: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      await takeAway(pcscd, loss);
      if (!(await until(reader, 'faulted'))) continue;
      await pcscd.restart();
      const backMs = performance.now();
      if (await until(reader, 'ready')) readyAfterMs.push(performance.now() - backMs);
    }
    return { rounds, readyAfterMs };
  } finally {
    await reader.close();
    await pcscd.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Unplugged: pcscd runs, and does not list it. */
function takeAway(pcscd: PrivatePcscd, loss: Loss): Promise<void> {
  return loss === 're-plugged' ? pcscd.restart(['SAM']) : pcscd.kill();
}

async function until(reader: SupervisedReader, state: SupervisedReader['state']): Promise<boolean> {
  const endMs = performance.now() + GIVE_UP_MS;
  while (reader.state !== state && performance.now() < endMs) await systemClock.sleep(2);
  return reader.state === state;
}

export async function run(): Promise<BenchResult[]> {
  if (!isPrivatePcscdAvailable()) {
    process.stderr.write('reader-recovery: skipped, needs the Debian packages pcscd and vsmartcard-vpcd\n');
    return [];
  }
  const results: BenchResult[] = [];
  for (const loss of Object.keys(TARGETS_MS) as Loss[]) {
    const { readyAfterMs } = await measureRecovery(loss, ROUNDS);
    const facts = { unit: 'ms', baseline: TARGETS_MS[loss], baselineIs: 'the target' };
    results.push(
      compare({
        name: `reader-${loss}-slowest`,
        value: Math.max(...readyAfterMs),
        ...facts,
        target: { of: 'ratio', atMost: 1 },
      }),
      compare({ name: `reader-${loss}-median`, value: median(readyAfterMs), ...facts }),
      compare({
        name: `reader-${loss}-came-back`,
        value: readyAfterMs.length,
        unit: 'times',
        baseline: ROUNDS,
        baselineIs: 'rounds',
        target: { of: 'ratio', atLeast: 1 },
      }),
    );
  }
  return results;
}
