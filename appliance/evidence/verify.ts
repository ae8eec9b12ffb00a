/** Verifies an export from its first line to its last, as a stream, and says what time it proves. */
import { createChainCheck } from './chain.ts';
import { EntryJudge, type LinkedEntry, type PlacedFlaw, type VerifyOptions } from './entry-judge.ts';
import { type CarriedCertificate, type ExportLine, parseExportLine } from './export-format.ts';
import { Flaw } from './flaw.ts';
import type { EvidenceReceipt, TickStamp } from './ledger.ts';
import { type ByteSource, lineBatches } from './line-stream.ts';
import type { VerificationReport } from './report.ts';

export type { VerifyOptions } from './entry-judge.ts';

/** Never throws for what is in the export; only when `source` or the time-stamp verifier itself fails. */
export async function verifyExport(
  source: ByteSource,
  options: VerifyOptions = {},
): Promise<VerificationReport> {
  const verification = new Verification(options);
  for await (const batch of lineBatches(source)) {
    const flaw = await verification.acceptBatch(batch);
    if (flaw !== undefined) return verification.report(flaw);
  }
  return verification.report(verification.finish());
}

class Verification {
  readonly #options: VerifyOptions;
  readonly #chain = createChainCheck();
  readonly #certificates: CarriedCertificate[] = [];
  #judge: EntryJudge | undefined;
  #place: 'start' | 'certificates' | 'entries' | 'end' = 'start';
  #line = 0;
  /** An entry waits for its stamp line before it is judged. */
  #open: LinkedEntry | undefined;
  #judged: EvidenceReceipt | undefined;

  constructor(options: VerifyOptions) {
    this.#options = options;
  }

  /** The first flaw by position: a wrong token is found after the lines behind it, but stands before them. */
  async acceptBatch(lines: readonly Buffer[]): Promise<PlacedFlaw | undefined> {
    let flaw: PlacedFlaw | undefined;
    try {
      for (const line of lines) {
        this.#line += 1;
        this.#accept(parseExportLine(line));
      }
    } catch (thrown) {
      if (!(thrown instanceof Flaw)) throw thrown;
      flaw = { line: this.#line, seq: (this.#judged?.seq ?? 0) + 1, reason: thrown.reason };
    }
    return (await this.#judge?.settle()) ?? flaw;
  }

  finish(): PlacedFlaw | undefined {
    if (this.#place === 'end') return undefined;
    return { line: this.#line + 1, seq: (this.#judged?.seq ?? 0) + 1, reason: 'end-wrong' };
  }

  report(flaw: PlacedFlaw | undefined): VerificationReport {
    const entries = flaw === undefined ? (this.#judged?.seq ?? 0) : flaw.seq - 1;
    return {
      ok: flaw === undefined,
      entries,
      head: this.#judged,
      ...(flaw !== undefined && { firstProblem: flaw }),
      stampsVerified: this.#judge?.stamps ?? 0,
      visitsUnstamped: this.#judge?.visitsUnstamped ?? 0,
      proofsVerified: this.#judge?.proofs ?? 0,
      anchorsVerified: this.#judge?.anchorsVerified ?? 0,
      deviceCertificates: this.#options.deviceCaPem === undefined ? 'not-checked' : 'trusted',
      timeStamps: this.#options.timeStamps === undefined ? 'not-checked' : 'trusted',
      provenIntervals: this.#judge?.provenIntervals() ?? [],
    };
  }

  #accept(line: ExportLine | undefined): void {
    switch (line?.kind) {
      case undefined:
        throw new Flaw('line-malformed');
      case 'header':
        this.#move(this.#place === 'start', 'certificates');
        break;
      case 'certificate':
        this.#move(this.#place === 'certificates', 'certificates');
        this.#certificates.push(line.certificate);
        break;
      case 'entry':
        this.#acceptEntry(line.entry);
        break;
      case 'stamp':
        this.#move(this.#open !== undefined, 'entries');
        this.#close(line.stamp);
        break;
      case 'end':
        this.#acceptEnd(line);
    }
  }

  #move(allowed: boolean, to: 'certificates' | 'entries' | 'end'): void {
    if (!allowed) throw new Flaw('line-out-of-order');
    this.#place = to;
  }

  #acceptEntry(entry: Extract<ExportLine, { kind: 'entry' }>['entry']): void {
    this.#move(this.#place === 'certificates' || this.#place === 'entries', 'entries');
    this.#close(undefined);
    const broken = this.#chain.accept(entry);
    if (broken !== undefined) throw new Flaw(broken);
    this.#open = { ...entry, seq: (this.#judged?.seq ?? 0) + 1, line: this.#line };
  }

  #acceptEnd({ count, headHash }: Extract<ExportLine, { kind: 'end' }>): void {
    this.#move(this.#place === 'certificates' || this.#place === 'entries', 'end');
    this.#close(undefined);
    if (count !== (this.#judged?.seq ?? 0) || headHash !== (this.#judged?.hash ?? '-')) {
      throw new Flaw('end-wrong');
    }
  }

  #close(stamp: TickStamp | undefined): void {
    this.#judge ??= new EntryJudge(this.#certificates, this.#options);
    const entry = this.#open;
    if (entry === undefined) return;
    this.#judge.judge(entry, stamp);
    this.#open = undefined;
    this.#judged = { seq: entry.seq, hash: entry.hash };
  }
}
