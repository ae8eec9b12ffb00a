/** Processor and memory of the appliance over many taps; the cards answer at once, so that waiting hides nothing. */
import { alone, type BenchResult, compare, median } from './result.ts';
import { hasPcscd, WARM_UP_TAPS, withApplianceProcess } from './tap-clinic.ts';

/** Also what an unlocked SAM allows, and what one card may do in a day. */
const TAPS = 1_000;
const HALF = TAPS / 2;
/** Resident memory moves with each garbage collection: the median of this many taps. */
const WINDOW_TAPS = 100;
/** Flat: what garbage collection leaves to chance. */
const FLAT_RATIO = 1.05;
const MEMORY_TARGET_MB = 120;
const CPU_TARGET_MS = 15;

interface Spent {
  readonly own: number;
  readonly hosts: number;
}

export async function run(): Promise<BenchResult[]> {
  if (!hasPcscd()) return [];
  return withApplianceProcess('zero', async ({ appliance, tap }) => {
    const memoryMb: number[] = [];
    let atHalf: Spent = { own: 0, hosts: 0 };
    for (let count = WARM_UP_TAPS + 1; count <= TAPS; count += 1) {
      await tap();
      memoryMb.push(appliance.residentMb());
      if (count === HALF) atHalf = appliance.cpuMs();
    }
    const inAll = appliance.cpuMs();
    const perTap = (part: keyof Spent): number => (inAll[part] - atHalf[part]) / (TAPS - HALF);
    const before = (tapsAgo: number): number => {
      const end = memoryMb.length - tapsAgo;
      return median(memoryMb.slice(end - WINDOW_TAPS, end));
    };
    return [
      ...describeCpu({ own: perTap('own'), hosts: perTap('hosts') }),
      ...describeMemory(before(0), before(TAPS - HALF)),
      alone({ name: 'pcsc-hosts-memory', value: appliance.hostsResidentMb(), unit: 'MB' }),
    ];
  });
}

function describeCpu({ own, hosts }: Spent): BenchResult[] {
  const target = { of: 'value', atMost: CPU_TARGET_MS } as const;
  return [
    compare({
      name: 'tap-cpu',
      value: own + hosts,
      unit: 'ms',
      baseline: CPU_TARGET_MS,
      baselineIs: 'the target',
      target,
    }),
    alone({ name: 'tap-cpu-of-pcsc-hosts', value: hosts, unit: 'ms' }),
  ];
}

function describeMemory(whole: number, half: number): BenchResult[] {
  const facts = { value: whole, unit: 'MB' };
  return [
    compare({
      name: `appliance-memory-after-${TAPS}-taps`,
      ...facts,
      baseline: MEMORY_TARGET_MB,
      baselineIs: 'the target',
      target: { of: 'value', atMost: MEMORY_TARGET_MB },
    }),
    compare({
      name: `appliance-memory-over-last-${TAPS - HALF}-taps`,
      ...facts,
      baseline: half,
      baselineIs: `after ${HALF} taps`,
      target: { of: 'ratio', atMost: FLAT_RATIO },
    }),
  ];
}
