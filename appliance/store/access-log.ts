/** The access log on the disk: one durable row per request, each with the hash of the row before in it. */
import { SekishoError } from '#contract/errors.ts';
import type { AccessEntry, AccessLog, AccessRecord } from '#evidence/access-log.ts';
import { CHAIN_START, encodeEntry, hashEntry } from '#evidence/entry.ts';
import type { EvidenceReceipt } from '#evidence/ledger.ts';
import { type Database, prepare } from './database.ts';

interface AccessRow {
  readonly seq: number;
  readonly hash: string;
  readonly canonical: string;
}

/** Throws `evidence.broken` when the newest row on the disk is not what its hash says. */
export function openAccessLog(database: Database): AccessLog {
  const insert = prepare<[number, number, string, string]>(
    database,
    'INSERT INTO access (seq, at_ms, hash, canonical) VALUES (?, ?, ?, ?)',
  );
  const between = prepare<[number, number], AccessRow>(
    database,
    'SELECT seq, hash, canonical FROM access WHERE at_ms >= ? AND at_ms < ? ORDER BY seq',
  );
  let head = readHead(database);
  return {
    append(record) {
      const seq = (head?.seq ?? 0) + 1;
      const canonical = encodeEntry(seq, head?.hash ?? CHAIN_START, record);
      const receipt: EvidenceReceipt = { seq, hash: hashEntry(canonical) };
      insert.run(seq, Date.parse(record.at), receipt.hash, canonical);
      head = receipt;
      return receipt;
    },
    head: () => head,
    between: (fromMs, toMs) => between.all(fromMs, toMs).map(toEntry),
  };
}

/** What was written here a moment ago, or has a hash that was checked. */
function toEntry({ seq, canonical }: AccessRow): AccessEntry {
  const { record } = JSON.parse(canonical) as { record: AccessRecord };
  return { ...record, seq };
}

function readHead(database: Database): EvidenceReceipt | undefined {
  const sql = 'SELECT seq, hash, canonical FROM access ORDER BY seq DESC LIMIT 1';
  const row = prepare<[], AccessRow>(database, sql).get();
  if (row === undefined) return undefined;
  if (hashEntry(row.canonical) !== row.hash)
    throw new SekishoError('evidence.broken', { context: { accessLog: row.seq } });
  return { seq: row.seq, hash: row.hash };
}
