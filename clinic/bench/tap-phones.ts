/** What phones that poll the status add to a tap: taps with and without them, in turns. */
import type { CounterClient } from '../counter-client.ts';
import { type BenchResult, compare, median } from './result.ts';
import { hasPcscd, withApplianceProcess } from './tap-clinic.ts';

const PAIRS = 10;
const PHONES = 10;
const POLL_EVERY_MS = 200;

export async function run(): Promise<BenchResult[]> {
  if (!hasPcscd()) return [];
  return withApplianceProcess('real', async ({ openClient, tap }) => {
    const phones = Array.from({ length: PHONES }, openClient);
    const [quiet, polled]: [number[], number[]] = [[], []];
    try {
      for (let pair = 0; pair < PAIRS; pair += 1) {
        quiet.push((await tap()).totalMs);
        polled.push(await whilePolling(phones, async () => (await tap()).totalMs));
      }
    } finally {
      for (const phone of phones) phone.close();
    }
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
  const polling = Promise.all(phones.map(poll));
  try {
    return await work();
  } finally {
    isOver = true;
    await polling;
  }
}
