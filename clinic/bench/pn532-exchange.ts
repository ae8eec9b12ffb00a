/**
 * 400 bytes to a card and 400 back through driver, pty and emulated chip at each rate, against what the bytes alone
 * take: every byte that was on the serial line, acknowledgements included, and every frame on the air. The bytes are
 * counted on the host's side of the line, apart from driver and emulator.
 */
import { Pn532Reader, serialPortLine } from '#drivers/pn532/index.ts';
import {
  atqbOf,
  atrOf,
  EmulatedPn532,
  linkOf,
  openPty,
  REAL_TIMING,
  type VirtualCard,
} from '#drivers/simulated/index.ts';
import { BAUD_RATES } from '#drivers/simulated/pn532/baud.ts';
import { type BenchResult, compare, median } from './result.ts';
import { LineCount } from './serial-bytes.ts';

const APDU_BYTES = 400;
/** Slow rates need fewer: what the program adds is little there. */
const WARM_UPS = 3;
const ROUNDS = 20;
const SLOW_ROUNDS = 5;
const SLOW_BELOW = 57_600;
const TARGET = 1.1;
/** Where the serial line takes little time, the programs on both sides take a larger share. */
const FAST_TARGET = 1.5;
const FAST_ABOVE = 115_200;

/** Works for no time, so that nothing but bytes is measured. */
function makeEchoingCard(): VirtualCard {
  const link = linkOf('vendor-1');
  const answer = new Uint8Array(APDU_BYTES).fill(0x5a);
  answer.set([0x90, 0x00], APDU_BYTES - 2);
  const card = {
    device: 'card' as const,
    atr: Uint8Array.from(Buffer.from(atrOf(link), 'hex')),
    work: { note: () => {}, take: () => [] },
    link,
    atqb: atqbOf(link, Uint8Array.of(0xde, 0xad, 0xbe, 0xef)),
    powerOn: () => {},
    powerOff: () => {},
    warmReset: () => {},
    process: () => answer,
  };
  return card;
}

export interface Exchanges {
  readonly ms: readonly number[];
  readonly boundMs: readonly number[];
}

async function measureExchanges(baudRate: number, rounds: number): Promise<Exchanges> {
  const chip = new EmulatedPn532({ timing: REAL_TIMING });
  const line = await openPty();
  chip.attach(line);
  chip.insert(makeEchoingCard());
  const count = new LineCount();
  const reader = new Pn532Reader({ openLine: count.around(serialPortLine(line.path)), baudRate });
  try {
    const channel = await reader.waitForCard(AbortSignal.timeout(20_000));
    const command = new Uint8Array(APDU_BYTES).fill(0xa5);
    const [ms, boundMs]: [number[], number[]] = [[], []];
    for (let round = -WARM_UPS; round < rounds; round += 1) {
      count.start();
      const startMs = performance.now();
      const answer = await channel.transmit(command);
      const tookMs = performance.now() - startMs;
      if (answer.length !== APDU_BYTES) throw new Error(`an answer of ${answer.length} bytes`);
      if (chip.baud !== baudRate) throw new Error(`the chip works at ${chip.baud} baud`);
      if (round < 0) continue;
      ms.push(tookMs);
      boundMs.push(count.boundMs(baudRate, REAL_TIMING.card.link));
    }
    return { ms, boundMs };
  } finally {
    await reader.close();
    await line.close();
  }
}

export async function run(): Promise<BenchResult[]> {
  const results: BenchResult[] = [];
  for (const baudRate of BAUD_RATES) {
    const { ms, boundMs } = await measureExchanges(baudRate, baudRate < SLOW_BELOW ? SLOW_ROUNDS : ROUNDS);
    results.push(
      compare({
        name: `pn532-400-bytes-at-${baudRate}`,
        value: median(ms),
        unit: 'ms',
        baseline: median(boundMs),
        baselineIs: 'the bytes on both hops',
        target: { of: 'ratio', atMost: baudRate > FAST_ABOVE ? FAST_TARGET : TARGET },
      }),
    );
  }
  return results;
}
