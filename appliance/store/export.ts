/** Writes all evidence into one file that needs nothing else; may run beside a working appliance. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { SekishoError } from '#contract/errors.ts';
import {
  encodeCertificateLine,
  encodeEndLine,
  encodeEntryLine,
  encodeStampLine,
  HEADER_LINE,
} from '#evidence/export-format.ts';
import type { EvidenceReceipt } from '#evidence/ledger.ts';
import { readCertificates } from './certificates.ts';
import { type Database, openDatabaseForReading, orStoreError, prepare } from './database.ts';

export interface ExportSummary {
  readonly entries: number;
  readonly head: EvidenceReceipt | undefined;
}

interface EntryRow {
  readonly seq: number;
  readonly hash: string;
  readonly canonical: string;
  readonly stamp: string | null;
  readonly signature: string | null;
}

const WRITE_CHARS = 1 << 18;

/**
 * The file appears under its name complete and on the disk, or not at all: written beside, synced, renamed.
 * Throws `store.*`.
 */
export function exportEvidence(databasePath: string, outFile: string): ExportSummary {
  const database = openDatabaseForReading(databasePath);
  const partial = `${outFile}.partial`;
  try {
    const summary = writeDurably(partial, (write) => writeExport(database, write));
    renameSync(partial, outFile);
    syncFolder(dirname(outFile));
    return summary;
  } catch (thrown) {
    rmSync(partial, { force: true });
    throw storeError(thrown);
  } finally {
    database.close();
  }
}

/** One read transaction: a snapshot, whatever is appended meanwhile. */
function writeExport(database: Database, write: (line: string) => void): ExportSummary {
  return orStoreError(() =>
    database.transaction(() => {
      write(HEADER_LINE);
      for (const certificate of readCertificates(database)) write(encodeCertificateLine(certificate));
      const sql = 'SELECT seq, hash, canonical, stamp, signature FROM entry ORDER BY seq';
      let head: EvidenceReceipt | undefined;
      for (const row of prepare<[], EntryRow>(database, sql).iterate()) {
        write(encodeEntryLine(row.hash, row.canonical));
        if (row.stamp !== null && row.signature !== null) {
          write(encodeStampLine({ stamp: row.stamp, signature: row.signature }));
        }
        head = { seq: row.seq, hash: row.hash };
      }
      write(encodeEndLine(head));
      return { entries: head?.seq ?? 0, head };
    })(),
  );
}

function writeDurably<Result>(path: string, work: (write: (line: string) => void) => Result): Result {
  const file = openSync(path, 'w', 0o600);
  try {
    let waiting = '';
    const flush = (): void => {
      const bytes = Buffer.from(waiting, 'utf8');
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
      waiting = '';
    };
    const result = work((line) => {
      waiting += `${line}\n`;
      if (waiting.length >= WRITE_CHARS) flush();
    });
    flush();
    fsyncSync(file);
    return result;
  } finally {
    closeSync(file);
  }
}

/** A rename is on the disk when its folder is. @see fsync(2) */
function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function storeError(thrown: unknown): SekishoError {
  if (thrown instanceof SekishoError) return thrown;
  const full = thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOSPC';
  return new SekishoError(full ? 'store.full' : 'store.failed', { cause: thrown });
}
