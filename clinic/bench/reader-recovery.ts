/**
 * How soon a reader is ready again: unplugged and plugged in, out of power for a moment, and with a pcscd that was
 * killed and started again.
 *
 * Looked after as in the appliance: virtual readers of a real pcscd, and an emulated PN532 on a pty. The time runs from
 * the moment when pcscd lists the reader again, the device is there again, or the chip has power again, to `ready`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CardReader } from '#card/channel.ts';
import { isPrivatePcscdAvailable, PcscReader, startPrivatePcscd } from '#drivers/pcsc/index.ts';
import { Pn532Reader, serialPortLine } from '#drivers/pn532/index.ts';
import { EmulatedPn532, openPty, type PtyLine } from '#drivers/simulated/index.ts';
import { SupervisedReader } from '#drivers/supervision/index.ts';
import { systemClock } from '#ports/clock.ts';
import { silentLogger } from '#ports/logger.ts';
import { type BenchResult, compare, median } from './result.ts';

const ROUNDS = 50;
const GIVE_UP_MS = 30_000;
/** What a PL011 of a Raspberry Pi keeps up with: after the loss the chip is at another rate. */
const BAUD_RATE = 921_600;

interface Site {
  readonly reader: CardReader;
  takeAway(): Promise<void>;
  giveBack(): Promise<void>;
  close(): Promise<void>;
}

interface LossKind {
  readonly targetMs: number;
  readonly open: (folder: string) => Promise<Site>;
}

export const LOSSES = {
  // pcscd runs, and does not list it.
  're-plugged': { targetMs: 3_000, open: (folder) => openPcsc(folder, 're-plugged') },
  'pcscd-restarted': { targetMs: 5_000, open: (folder) => openPcsc(folder, 'pcscd-restarted') },
  'pn532-re-plugged': { targetMs: 3_000, open: openUnpluggedPn532 },
  'pn532-power-cut': { targetMs: 3_000, open: openUnpoweredPn532 },
} as const satisfies Record<string, LossKind>;

export type Loss = keyof typeof LOSSES;

export function isMeasurable(loss: Loss): boolean {
  return loss.startsWith('pn532') || isPrivatePcscdAvailable();
}

export interface Recoveries {
  readonly rounds: number;
  /** One for each round in which it came back. */
  readonly readyAfterMs: readonly number[];
}

/** Takes the reader away and gives it back, `rounds` times. */
export async function measureRecovery(loss: Loss, rounds: number): Promise<Recoveries> {
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-recovery-'));
  const site = await LOSSES[loss].open(folder);
  // Looks often, so that a round does not last a second only to see the reader go; how it comes back is as always.
  const limits = { lookEveryMs: 20 };
  const reader = new SupervisedReader(site.reader, { clock: systemClock, logger: silentLogger, limits });
  try {
    await reader.start();
    const readyAfterMs: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      await site.takeAway();
      if (!(await until(reader, 'faulted'))) continue;
      await site.giveBack();
      const backMs = performance.now();
      if (await until(reader, 'ready')) readyAfterMs.push(performance.now() - backMs);
    }
    return { rounds, readyAfterMs };
  } finally {
    await reader.close();
    await site.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function openPcsc(folder: string, loss: 're-plugged' | 'pcscd-restarted'): Promise<Site> {
  const pcscd = await startPrivatePcscd({ folder });
  return {
    reader: new PcscReader({ socketPath: pcscd.socketPath, recoveryTimeoutMs: 0 }),
    takeAway: () => (loss === 're-plugged' ? pcscd.restart(['SAM']) : pcscd.kill()),
    giveBack: () => pcscd.restart(),
    close: () => pcscd.stop(),
  };
}

/** The adapter is pulled with the module on it: the device is gone, and the chip forgets its rate. */
async function openUnpluggedPn532(folder: string): Promise<Site> {
  const device = join(folder, 'pn532');
  const chip = new EmulatedPn532();
  let line: PtyLine | undefined;
  const plugIn = async (): Promise<void> => {
    line = await openPty(device);
    chip.reset();
    chip.attach(line);
  };
  const unplug = async (): Promise<void> => line?.close();
  await plugIn();
  return { reader: openPn532(device), takeAway: unplug, giveBack: plugIn, close: unplug };
}

/** The device stays, and nobody answers behind it. */
async function openUnpoweredPn532(folder: string): Promise<Site> {
  const device = join(folder, 'pn532');
  const chip = new EmulatedPn532();
  const line = await openPty(device);
  chip.attach(line);
  return {
    reader: openPn532(device),
    takeAway: async () => chip.chipFaults.add({ kind: 'hung' }),
    giveBack: async () => chip.reset(),
    close: () => line.close(),
  };
}

function openPn532(device: string): CardReader {
  return new Pn532Reader({ openLine: serialPortLine(device), baudRate: BAUD_RATE, recoveryTimeoutMs: 0 });
}

async function until(reader: SupervisedReader, state: SupervisedReader['state']): Promise<boolean> {
  const endMs = performance.now() + GIVE_UP_MS;
  while (reader.state !== state && performance.now() < endMs) await systemClock.sleep(2);
  return reader.state === state;
}

export async function run(): Promise<BenchResult[]> {
  const results: BenchResult[] = [];
  for (const loss of Object.keys(LOSSES) as Loss[]) {
    if (!isMeasurable(loss)) {
      process.stderr.write(`${loss}: skipped, needs the Debian packages pcscd and vsmartcard-vpcd\n`);
      continue;
    }
    results.push(...describe(loss, await measureRecovery(loss, ROUNDS)));
  }
  return results;
}

function describe(loss: Loss, { rounds, readyAfterMs }: Recoveries): BenchResult[] {
  const facts = { unit: 'ms', baseline: LOSSES[loss].targetMs, baselineIs: 'the target' };
  const slowest = { name: `reader-${loss}-slowest`, value: Math.max(...readyAfterMs) };
  const cameBack = { name: `reader-${loss}-came-back`, value: readyAfterMs.length, unit: 'times' };
  return [
    compare({ ...slowest, ...facts, target: { of: 'ratio', atMost: 1 } }),
    compare({ name: `reader-${loss}-median`, value: median(readyAfterMs), ...facts }),
    compare({ ...cameBack, baseline: rounds, baselineIs: 'rounds', target: { of: 'ratio', atLeast: 1 } }),
  ];
}
