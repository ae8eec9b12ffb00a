/** Visit records on their way to the visit-history service. A row leaves the queue only when it is delivered. */
import type { VisitRecord } from '#contract/centre/visit-history.ts';
import type { ErrorCode } from '#contract/errors.ts';
import { type Database, prepare, prepareTransaction } from './database.ts';
import { type SealedColumn, type Sealer, sealJson, unsealJson } from './sealer.ts';

export interface OutboxItem {
  readonly visitId: string;
  readonly record: VisitRecord;
  /** Failed ones so far. */
  readonly attempts: number;
}

export interface Outbox {
  /** What may be tried now, oldest first; nothing while the sealer is closed. */
  due(nowMs: number, limit: number): readonly OutboxItem[];
  /** When the next one may be tried; undefined when nothing waits, or nothing can be opened. */
  nextDueAtMs(): number | undefined;
  markDelivered(visitId: string, atMs: number): void;
  markFailed(visitId: string, error: ErrorCode, nextAttemptAtMs: number): void;
  waiting(): number;
}

export interface OutboxTable extends Outbox {
  /** Once per visit; a second time is a bug of the caller and ends its transaction. */
  enqueue(record: VisitRecord): void;
}

/** No retry is put off for longer, so a later date means that the clock was set back: then it is due. */
export const LONGEST_RETRY_MS = 10 * 60_000;

interface OutboxRow {
  readonly visit_id: string;
  readonly sealed_record: Uint8Array;
  readonly attempts: number;
}

const place = (visitId: string): string => `outbox/${visitId}/record`;

export const OUTBOX_RECORD: SealedColumn = {
  table: 'outbox',
  column: 'sealed_record',
  takesLetters: true,
  key: ['visit_id'],
  place: (visitId = '') => place(visitId),
};

export function createOutboxTable(database: Database, sealer: Sealer): OutboxTable {
  const sql = prepareSql(database);
  const inTransaction = prepareTransaction(database);
  return {
    enqueue(record) {
      sql.enqueue.run(record.visitId, sealJson(sealer, record, place(record.visitId)));
    },
    due(nowMs, limit) {
      if (!sealer.isOpen) return [];
      const rows = sql.due.all(nowMs, nowMs + LONGEST_RETRY_MS, limit);
      return rows.map(({ visit_id, sealed_record, attempts }) => ({
        visitId: visit_id,
        record: unsealJson<VisitRecord>(sealer, sealed_record, place(visit_id)),
        attempts,
      }));
    },
    nextDueAtMs: () => (sealer.isOpen ? (sql.nextDue.get()?.at ?? undefined) : undefined),
    markDelivered(visitId, atMs) {
      inTransaction(() => {
        sql.deliver.run(atMs, visitId);
        sql.deliverVisit.run(visitId);
      });
    },
    markFailed(visitId, error, nextAttemptAtMs) {
      sql.fail.run(error, nextAttemptAtMs, visitId);
    },
    waiting: () => sql.count.get()?.count ?? 0,
  };
}

function prepareSql(database: Database) {
  return {
    enqueue: prepare<[string, Uint8Array]>(
      database,
      'INSERT INTO outbox (visit_id, sealed_record) VALUES (?, ?)',
    ),
    due: prepare<[number, number, number], OutboxRow>(
      database,
      `SELECT visit_id, sealed_record, attempts FROM outbox
       WHERE delivered_at_ms IS NULL AND (next_attempt_at_ms <= ? OR next_attempt_at_ms > ?)
       ORDER BY position LIMIT ?`,
    ),
    nextDue: prepare<[], { at: number | null }>(
      database,
      'SELECT min(next_attempt_at_ms) AS at FROM outbox WHERE delivered_at_ms IS NULL',
    ),
    // The record itself is with the centre now; what stays says only that it was delivered, and when.
    deliver: prepare<[number, string]>(
      database,
      'UPDATE outbox SET delivered_at_ms = ?, sealed_record = NULL WHERE visit_id = ? AND delivered_at_ms IS NULL',
    ),
    deliverVisit: prepare<[string]>(
      database,
      `UPDATE visit SET visit_record = 'delivered' WHERE visit_id = ?`,
    ),
    fail: prepare<[string, number, string]>(
      database,
      `UPDATE outbox SET attempts = attempts + 1, last_error = ?, next_attempt_at_ms = ?
       WHERE visit_id = ? AND delivered_at_ms IS NULL`,
    ),
    count: prepare<[], { count: number }>(
      database,
      'SELECT count(*) AS count FROM outbox WHERE delivered_at_ms IS NULL',
    ),
  };
}
