/** Our codecs against the card simulator's, which were written by the same standards and share no line with them. */
import { encodeCommand, parseCommand } from '#card/apdu.ts';
import { encodeTlv, parseTlvs } from '#card/tlv.ts';
import { parseCommand as parseByCard } from '#drivers/simulated/command.ts';
import { tlv as encodeTlvByCard, parseTlvs as parseTlvsByCard } from '#drivers/simulated/tlv.ts';
import { type BenchResult, compare, median } from './result.ts';

const ROUNDS = 9;
const TIMES = 20_000;

export async function run(): Promise<BenchResult[]> {
  const command = encodeCommand({ cla: 0x80, ins: 0xa2, p1: 6, p2: 0xc1, data: new Uint8Array(307) });
  const object = encodeTlv(
    0x7f21,
    encodeTlv(0x5f37, new Uint8Array(256)),
    encodeTlv(0x42, new Uint8Array(16)),
  );
  return [
    race(
      'apdu-parse',
      'commands/s',
      () => parseCommand(command),
      () => parseByCard(command),
    ),
    race(
      'tlv-parse',
      'objects/s',
      () => parseTlvs(object),
      () => parseTlvsByCard(object),
    ),
    race(
      'tlv-encode',
      'objects/s',
      () => encodeTlv(0x5f37, object),
      () => encodeTlvByCard(0x5f37, object),
    ),
  ];
}

function race(name: string, unit: string, ours: () => unknown, theirs: () => unknown): BenchResult {
  const values: number[] = [];
  const baselines: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    values.push(perSecond(ours));
    baselines.push(perSecond(theirs));
  }
  return compare({
    name,
    unit,
    value: median(values),
    baseline: median(baselines),
    baselineIs: "the simulator's independent codec",
  });
}

function perSecond(work: () => unknown): number {
  const startedMs = performance.now();
  for (let time = 0; time < TIMES; time += 1) work();
  return (TIMES * 1000) / (performance.now() - startedMs);
}
