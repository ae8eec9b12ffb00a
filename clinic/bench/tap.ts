/** What a tap costs above card, SAM and network: wall time, processor, memory, and what other screens add. */
import { isPrivatePcscdAvailable } from '#drivers/pcsc/private-pcscd.ts';
import type { CounterClient } from '../counter-client.ts';
import { alone, type BenchResult, compare, median } from './result.ts';
import { withApplianceProcess, withClinicInProcess } from './tap-clinic.ts';

const WALL_TAPS = 15;
const POLLED_PAIRS = 10;
const PHONES = 10;
const POLL_EVERY_MS = 200;
const MEMORY_TAPS = 1_000;
const HALF = MEMORY_TAPS / 2;
/** Flat: what garbage collection leaves to chance. */
const FLAT_RATIO = 1.05;
/** Resident memory moves with each garbage collection: the median of this many taps. */
const MEMORY_WINDOW_TAPS = 100;

export async function run(): Promise<BenchResult[]> {
  const wall = await measureWall();
  if (!isPrivatePcscdAvailable()) {
    process.stderr.write('tap: the process figures need the Debian packages pcscd and vsmartcard-vpcd\n');
    return wall;
  }
  return [...wall, ...(await measurePhones()), ...(await measureProcess())];
}

/** Against the lower bound that the timing profile allows with everything parallel that can be. */
async function measureWall(): Promise<BenchResult[]> {
  const taps = await withClinicInProcess(async (tap) => {
    const reports = [];
    for (let count = 0; count < WALL_TAPS; count += 1) reports.push(await tap());
    return reports;
  });
  return [
    compare({
      name: 'tap-wall-time',
      value: median(taps.map(({ totalMs }) => totalMs)),
      unit: 'ms',
      baseline: median(taps.map(({ criticalPathMs }) => criticalPathMs)),
      baselineIs: 'critical path by the timing profile',
      target: { of: 'ratio', atMost: 1.05 },
    }),
  ];
}

/** Taps with and without phones that poll the status, in turns. */
async function measurePhones(): Promise<BenchResult[]> {
  return withApplianceProcess('real', async (clinic) => {
    const phones = Array.from({ length: PHONES }, () => clinic.openClient());
    const [quiet, polled]: [number[], number[]] = [[], []];
    for (let pair = 0; pair < POLLED_PAIRS; pair += 1) {
      quiet.push((await clinic.tap()).totalMs);
      polled.push(await whilePolling(phones, async () => (await clinic.tap()).totalMs));
    }
    for (const phone of phones) phone.close();
    return [
      compare({
        name: `tap-while-${PHONES}-phones-poll`,
        value: median(polled),
        unit: 'ms',
        baseline: median(quiet),
        baselineIs: 'the same without phones',
        target: { of: 'ratio', atMost: 1.05 },
      }),
    ];
  });
}

async function whilePolling<Result>(
  phones: readonly CounterClient[],
  work: () => Promise<Result>,
): Promise<Result> {
  let isOver = false;
  const poll = async (phone: CounterClient): Promise<void> => {
    while (!isOver) {
      await phone.snapshot();
      await new Promise((resolve) => setTimeout(resolve, POLL_EVERY_MS));
    }
  };
  const polling = phones.map(poll);
  try {
    return await work();
  } finally {
    isOver = true;
    await Promise.all(polling);
  }
}

/** Memory and processor over many taps; the cards answer at once, so that waiting hides nothing. */
async function measureProcess(): Promise<BenchResult[]> {
  return withApplianceProcess('zero', async ({ appliance, tap }) => {
    const memoryMb: number[] = [];
    let cpuAtHalfMs = 0;
    for (let count = 1; count <= MEMORY_TAPS; count += 1) {
      await tap();
      memoryMb.push(appliance.residentMb());
      if (count === HALF) cpuAtHalfMs = appliance.cpuMs();
    }
    const cpuMs = (appliance.cpuMs() - cpuAtHalfMs) / (MEMORY_TAPS - HALF);
    const around = (end: number): number => median(memoryMb.slice(end - MEMORY_WINDOW_TAPS, end));
    const memory = { value: around(MEMORY_TAPS), unit: 'MB' };
    return [
      alone({ name: 'tap-cpu', value: cpuMs, unit: 'ms', target: { of: 'value', atMost: 15 } }),
      compare({
        name: `appliance-memory-after-${MEMORY_TAPS}-taps`,
        ...memory,
        baseline: 120,
        baselineIs: 'the target',
        target: { of: 'value', atMost: 120 },
      }),
      compare({
        name: `appliance-memory-over-last-${MEMORY_TAPS - HALF}-taps`,
        ...memory,
        baseline: around(HALF),
        baselineIs: `after ${HALF} taps`,
        target: { of: 'ratio', atMost: FLAT_RATIO },
      }),
      alone({ name: 'pcsc-hosts-memory', value: appliance.hostsResidentMb(), unit: 'MB' }),
    ];
  });
}
