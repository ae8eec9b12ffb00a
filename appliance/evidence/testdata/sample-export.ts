/** Writes an export line by line for tests, without the store, so that each line can be made wrong. */
import { createHash, randomUUID } from 'node:crypto';
import { CHAIN_START, encodeEntry } from '../entry.ts';
import type { CarriedCertificate } from '../export-format.ts';
import type { CardProof, EvidenceRecord } from '../record.ts';
import { sampleConsent, sampleProof, sampleVisit } from './sample-records.ts';
import type { ScriptedSam } from './scripted-sam.ts';

export class SampleExport {
  readonly sam: ScriptedSam;
  readonly lines: string[] = ['H sekisho-evidence 1'];
  seq = 0;
  prev = CHAIN_START;

  constructor(sam: ScriptedSam, carried: readonly CarriedCertificate[] = []) {
    this.sam = sam;
    for (const { role, der } of carried) this.lines.push(`C ${role} ${Buffer.from(der).toString('base64')}`);
  }

  add(record: EvidenceRecord, stamped = true): this {
    this.seq += 1;
    const canonical = encodeEntry(this.seq, this.prev, record);
    const digest = createHash('sha256').update(canonical).digest();
    this.prev = digest.toString('hex');
    this.lines.push(`E ${this.prev} ${canonical}`);
    if (stamped) {
      const { stamp, signature } = this.sam.stamp(digest);
      this.lines.push(`S ${stamp} ${signature}`);
    }
    return this;
  }

  /** A consent and the visit by card that it allows. */
  addTap(more: Partial<CardProof> = {}): this {
    const tapId = randomUUID();
    this.sam.useCounter += 1;
    const { samId, useCounter, ticks, tickNonce } = this.sam;
    const proof = sampleProof({ samId, useCounter, ticks, tickNonce, tapId }, more);
    return this.add(sampleConsent(tapId), false).add(sampleVisit(randomUUID(), proof));
  }

  /** TickStamp1 over the head, its token, and TickStamp2 by the entry's own stamp. */
  addAnchor(timeStamp: (stamped: Buffer) => Buffer): this {
    const stamped = this.sam.completeStamp(Buffer.from(this.prev, 'hex'));
    return this.add({
      kind: 'tick-anchor',
      at: '2026-11-21T00:00:00.000Z',
      tickStamp: stamped.toString('hex'),
      token: timeStamp(stamped).toString('base64'),
    });
  }

  bytes(lines: readonly string[] = [...this.lines, `Z ${this.seq} ${this.prev}`]): Buffer[] {
    return [Buffer.from(lines.map((line) => `${line}\n`).join(''))];
  }

  /** The whole export with one line replaced. */
  replaced(match: string, change: (line: string) => string): Buffer[] {
    const [first] = this.bytes();
    const lines = first?.toString().trimEnd().split('\n') ?? [];
    const at = lines.findLastIndex((line) => line.startsWith(match));
    return this.bytes(lines.with(at, change(lines[at] ?? '')));
  }
}
