/** Writes evidence: one entry after another, stamped before the commit, with its effects in the same transaction. */
import { SekishoError, toSekishoError } from '#contract/errors.ts';
import { CHAIN_START, encodeEntry, hashEntry } from '#evidence/entry.ts';
import type {
  AppendOptions,
  EvidenceLedger,
  EvidenceReceipt,
  StoreEffect,
  TickStamp,
} from '#evidence/ledger.ts';
import type { EvidenceRecord } from '#evidence/record.ts';
import { parseTicks } from '#evidence/tick-stamp.ts';
import { type Database, prepare, prepareTransaction } from './database.ts';

interface EntryRow {
  readonly seq: number;
  readonly hash: string;
  readonly canonical: string;
}

export interface StoreLedger extends EvidenceLedger {
  /** Resolves when no append is under way. */
  settled(): Promise<void>;
}

/** Throws `evidence.broken` when the newest entry on disk is not what its hash says. */
export function openLedger(database: Database, applyEffect: (effect: StoreEffect) => void): StoreLedger {
  const insert = prepare<[number, string, string, string | null, string | null]>(
    database,
    'INSERT INTO entry (seq, hash, canonical, stamp, signature) VALUES (?, ?, ?, ?, ?)',
  );
  const inTransaction = prepareTransaction(database);
  let head = readHead(database);
  let last: Promise<unknown> = Promise.resolve();

  async function appendNow(record: EvidenceRecord, options: AppendOptions): Promise<EvidenceReceipt> {
    const seq = (head?.seq ?? 0) + 1;
    const canonical = encodeEntry(seq, head?.hash ?? CHAIN_START, record);
    const receipt: EvidenceReceipt = { seq, hash: hashEntry(canonical) };
    const stamp = options.stamp && (await options.stamp(Buffer.from(receipt.hash, 'hex')));
    if (stamp !== undefined) requireStampOf(receipt, stamp);
    const effects = options.effects?.(receipt) ?? [];
    const write = (): void => {
      insert.run(seq, receipt.hash, canonical, stamp?.stamp ?? null, stamp?.signature ?? null);
      for (const effect of effects) applyEffect(effect);
    };
    // A statement alone is a transaction already; two statements less are a twentieth of the time.
    if (effects.length === 0) write();
    else inTransaction(write);
    head = receipt;
    return receipt;
  }

  return {
    append(record, options = {}) {
      const appended = last
        .then(() => appendNow(record, options))
        .catch((thrown: unknown) => {
          throw toSekishoError(thrown);
        });
      last = appended.catch(() => {});
      return appended;
    },
    head: () => head,
    settled: () => last.then(() => {}),
  };
}

function readHead(database: Database): EvidenceReceipt | undefined {
  const sql = 'SELECT seq, hash, canonical FROM entry ORDER BY seq DESC LIMIT 1';
  const row = prepare<[], EntryRow>(database, sql).get();
  if (row === undefined) return undefined;
  if (hashEntry(row.canonical) !== row.hash) {
    throw new SekishoError('evidence.broken', { context: { seq: row.seq } });
  }
  return { seq: row.seq, hash: row.hash };
}

/** A stamp of something else would spoil the evidence for ever; better no entry. */
function requireStampOf(receipt: EvidenceReceipt, { stamp }: TickStamp): void {
  if (parseTicks(stamp)?.digest !== receipt.hash) {
    throw new SekishoError('sam.failed', { context: { why: 'tick stamp is not over this entry' } });
  }
}
