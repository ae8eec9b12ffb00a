/** How fast an export verifies, for `npm run bench`. */
import { createChainCheck } from './chain.ts';
import { CHAIN_START, encodeEntry, hashEntry } from './entry.ts';
import { encodeEndLine, encodeEntryLine, HEADER_LINE, parseExportLine } from './export-format.ts';
import { lineBatches } from './line-stream.ts';
import type { EvidenceRecord } from './record.ts';
import { verifyExport } from './verify.ts';

export interface Measurement {
  /** Records per second, median of the rounds. */
  readonly value: number;
  /** The same bytes, hashed and nothing else. */
  readonly baseline: number;
}

export interface VerifyMeasurements {
  /** Lines, chain and hashes. */
  readonly hashing: Measurement;
  /** All that a complete verification does for an entry without stamp. */
  readonly complete: Measurement;
}

const ENTRIES = 50_000;
const ROUNDS = 5;

/** Fills an export with consent-sized entries and verifies it. */
export async function measureVerify(): Promise<VerifyMeasurements> {
  const { file, canonicals } = makeExport();
  const rates: { bare: number; hashing: number; complete: number }[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    rates.push({
      bare: await rate(() => {
        for (const canonical of canonicals) hashEntry(canonical);
      }),
      hashing: await rate(() => checkChain(file)),
      complete: await rate(() => verifyExport(chunksOf(file))),
    });
  }
  const baseline = median(rates.map(({ bare }) => bare));
  return {
    hashing: { value: median(rates.map(({ hashing }) => hashing)), baseline },
    complete: { value: median(rates.map(({ complete }) => complete)), baseline },
  };
}

async function checkChain(file: Buffer): Promise<void> {
  const chain = createChainCheck();
  for await (const lines of lineBatches(chunksOf(file))) {
    for (const line of lines) {
      const parsed = parseExportLine(line);
      const reason = parsed?.kind === 'entry' ? chain.accept(parsed.entry) : undefined;
      if (reason !== undefined) throw new Error(reason);
    }
  }
}

function makeExport(): { file: Buffer; canonicals: Buffer[] } {
  const lines = [HEADER_LINE];
  const canonicals: Buffer[] = [];
  let hash = CHAIN_START;
  for (let seq = 1; seq <= ENTRIES; seq += 1) {
    const canonical = encodeEntry(seq, hash, sampleRecord(seq));
    hash = hashEntry(canonical);
    canonicals.push(Buffer.from(canonical));
    lines.push(encodeEntryLine(hash, canonical));
  }
  lines.push(encodeEndLine({ seq: ENTRIES, hash }));
  return { file: Buffer.from(`${lines.join('\n')}\n`), canonicals };
}

function sampleRecord(seq: number): EvidenceRecord {
  const at = new Date(1_800_000_000_000 + seq * 1000).toISOString();
  return {
    kind: 'consent',
    at,
    tapId: '6f0f7f60-3c1e-4b52-9a55-0a1b2c3d4e5f',
    operatorId: 'clerk-1',
    consent: {
      purpose: 'insurance-eligibility',
      textVersion: '2026-11',
      decision: 'ok',
      decidedAt: at,
      input: 'screen',
    },
  };
}

function* chunksOf(file: Buffer): Generator<Buffer> {
  const chunkBytes = 1 << 20;
  for (let at = 0; at < file.length; at += chunkBytes) yield file.subarray(at, at + chunkBytes);
}

async function rate(work: () => unknown): Promise<number> {
  const started = performance.now();
  await work();
  return (ENTRIES * 1000) / (performance.now() - started);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}
