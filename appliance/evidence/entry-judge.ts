/** Judges one entry after another whose place in the chain is known to be right: stamp, consent, proof, time anchor. */
import { hash, type X509Certificate } from 'node:crypto';
import { type AuditedAnchor, type AuditedVisit, parseAuditedEntry } from './audited-record.ts';
import { coversTime, type DeviceCertificates, openDeviceCertificates } from './device-certificates.ts';
import type { CarriedCertificate } from './export-format.ts';
import { Flaw, type FlawReason } from './flaw.ts';
import type { TickStamp } from './ledger.ts';
import { createTapOrder } from './tap-order.ts';
import { createTickOrder } from './tick-order.ts';
import { parseCompleteStamp, parseTicks, type Ticks } from './tick-stamp.ts';
import { createTimeProof, type ProvenInterval, type TimeAnchor } from './time-proof.ts';
import type { ProvenTime, TimeStampVerifier } from './time-stamp.ts';

export interface VerifyOptions {
  /** Trust anchor of the SAM device certificates. */
  readonly deviceCaPem?: string;
  /** Trust anchor of the time-stamp authority, and how to verify a token against it. */
  readonly timeStamps?: { readonly anchorsPem: string; readonly verify: TimeStampVerifier };
  /** Entries whose proven interval is wanted; every visit when absent. */
  readonly intervalsOf?: readonly number[];
}

export interface LinkedEntry {
  readonly seq: number;
  readonly hash: string;
  readonly canonical: Buffer;
  /** Where it stands in the file, for the report. */
  readonly line: number;
}

export interface PlacedFlaw {
  readonly line: number;
  readonly seq: number;
  readonly reason: FlawReason;
}

/** Verified in order, but later: a time-stamp token takes an asynchronous library. */
interface PendingAnchor {
  readonly entry: LinkedEntry;
  readonly token: Buffer;
  readonly completeStamp: Buffer;
  readonly signer: X509Certificate;
  readonly anchor: Omit<TimeAnchor, 'seenEarliestMs' | 'seenLatestMs'>;
}

/** How far back TickStamp1's digest may point into the chain; unlocking takes seconds. */
const HASHES_REMEMBERED = 1024;

export class EntryJudge {
  readonly #options: VerifyOptions;
  readonly #untrusted: readonly Uint8Array[];
  readonly #devices: DeviceCertificates;
  readonly #acceptTicks = createTickOrder();
  readonly #taps = createTapOrder();
  readonly #recentHashes = new Map<string, number>();
  readonly #pending: PendingAnchor[] = [];
  readonly #anchors: TimeAnchor[] = [];
  readonly #wanted: ReadonlySet<number> | undefined;
  readonly #readings: { readonly seq: number; readonly reading: Ticks | undefined }[] = [];
  stamps = 0;
  proofs = 0;
  visitsUnstamped = 0;

  constructor(carried: readonly CarriedCertificate[], options: VerifyOptions) {
    this.#options = options;
    this.#devices = openDeviceCertificates(carried, options.deviceCaPem);
    this.#untrusted = carried.filter(({ role }) => role === 'tsa' || role === 'tsa-ca').map(({ der }) => der);
    this.#wanted = options.intervalsOf && new Set(options.intervalsOf);
  }

  /** Throws the first flaw, except those of a time-stamp token, which `settle` finds. */
  judge(entry: LinkedEntry, stamp: TickStamp | undefined): void {
    const ticks = stamp && this.#judgeStamp(entry, stamp);
    const record = parseAuditedEntry(entry.canonical);
    if (record.is === 'visit') this.#judgeVisit(record.visit, ticks);
    if (record.is === 'consent') this.#taps.acceptConsent(record.consent.tapId, record.consent.consent);
    if (record.is === 'tick-anchor') this.#judgeAnchor(entry, record.anchor, ticks);
    if (this.#wanted?.has(entry.seq) ?? record.is === 'visit') {
      this.#readings.push({ seq: entry.seq, reading: ticks });
    }
    this.#remember(entry);
  }

  /** Verifies the tokens seen since the last call. */
  async settle(): Promise<PlacedFlaw | undefined> {
    for (const pending of this.#pending.splice(0)) {
      const reason = await this.#settleAnchor(pending);
      if (reason !== undefined) return { line: pending.entry.line, seq: pending.entry.seq, reason };
    }
    return undefined;
  }

  get anchorsVerified(): number {
    return this.#anchors.length;
  }

  provenIntervals(): readonly ProvenInterval[] {
    const prove = createTimeProof(this.#anchors);
    return this.#readings.map(({ seq, reading }) => prove(seq, reading));
  }

  #judgeStamp(entry: LinkedEntry, stamp: TickStamp): Ticks {
    const ticks = parseTicks(stamp.stamp);
    if (ticks === undefined) throw new Flaw('stamp-malformed');
    if (ticks.digest !== entry.hash) throw new Flaw('stamp-of-other-entry');
    this.#devices.signerOf(stamp);
    this.#acceptTicks(ticks);
    this.stamps += 1;
    return ticks;
  }

  #judgeVisit({ proof, consentDigest }: AuditedVisit, ticks: Ticks | undefined): void {
    if (proof === undefined) return;
    if (ticks === undefined) this.visitsUnstamped += 1;
    if (consentDigest !== proof.consentDigest) throw new Flaw('consent-missing');
    this.#taps.acceptProof(proof);
    this.proofs += 1;
  }

  #judgeAnchor(entry: LinkedEntry, record: AuditedAnchor, after: Ticks | undefined): void {
    const complete = parseCompleteStamp(record.tickStamp);
    const before = complete && parseTicks(complete.stamp);
    if (complete === undefined || before === undefined) throw new Flaw('stamp-malformed');
    const signer = this.#devices.signerOf(complete);
    const samePowerUp = after?.samId === before.samId && after.tickNonce === before.tickNonce;
    if (samePowerUp && after.ticks < before.ticks) throw new Flaw('ticks-went-back');
    if (samePowerUp && after.tickPeriodMs !== before.tickPeriodMs) throw new Flaw('tick-period-changed');
    if (this.#options.timeStamps === undefined) return;
    this.#pending.push({
      entry,
      token: Buffer.from(record.token, 'base64'),
      completeStamp: Buffer.from(record.tickStamp, 'hex'),
      signer,
      anchor: {
        seq: entry.seq,
        samId: before.samId,
        tickNonce: before.tickNonce,
        ticksBefore: before.ticks,
        ticksAfter: samePowerUp ? after.ticks : undefined,
        tickPeriodMs: before.tickPeriodMs,
        coversSeq: this.#recentHashes.get(before.digest),
      },
    });
  }

  async #settleAnchor({
    token,
    completeStamp,
    signer,
    anchor,
  }: PendingAnchor): Promise<FlawReason | undefined> {
    const { timeStamps } = this.#options;
    const proven: ProvenTime | undefined = await timeStamps?.verify({
      token,
      digest: hash('sha256', completeStamp, 'buffer'),
      untrusted: this.#untrusted,
      anchorsPem: timeStamps.anchorsPem,
    });
    if (proven === undefined) return 'time-stamp-wrong';
    if (!coversTime(signer, proven.genTimeMs)) return 'device-certificate-out-of-date';
    this.#anchors.push({
      ...anchor,
      seenEarliestMs: proven.genTimeMs - proven.accuracyMs,
      seenLatestMs: proven.genTimeMs + proven.accuracyMs,
    });
    return undefined;
  }

  #remember({ hash: entryHash, seq }: LinkedEntry): void {
    this.#recentHashes.set(entryHash, seq);
    const oldest = this.#recentHashes.keys().next().value;
    if (this.#recentHashes.size > HASHES_REMEMBERED && oldest !== undefined)
      this.#recentHashes.delete(oldest);
  }
}
