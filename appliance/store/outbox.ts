/** Visit records on their way to the visit-history service. A row leaves the queue only when it is delivered. */
import type { VisitRecord } from '#contract/centre/visit-history.ts';
import type { ErrorCode } from '#contract/errors.ts';
import { type Database, prepare, prepareTransaction } from './database.ts';

export interface OutboxItem {
  readonly visitId: string;
  readonly record: VisitRecord;
  /** Failed ones so far. */
  readonly attempts: number;
}

export interface Outbox {
  /** What may be tried now, oldest first. */
  due(nowMs: number, limit: number): readonly OutboxItem[];
  /** When the next one may be tried; undefined when nothing waits. */
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
  readonly record: string;
  readonly attempts: number;
}

export function createOutboxTable(database: Database): OutboxTable {
  const sql = prepareSql(database);
  const inTransaction = prepareTransaction(database);
  return {
    enqueue(record) {
      sql.enqueue.run(record.visitId, JSON.stringify(record));
    },
    due: (nowMs, limit) =>
      sql.due.all(nowMs, nowMs + LONGEST_RETRY_MS, limit).map(({ visit_id, record, attempts }) => ({
        visitId: visit_id,
        record: JSON.parse(record) as VisitRecord,
        attempts,
      })),
    nextDueAtMs: () => sql.nextDue.get()?.at ?? undefined,
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
    enqueue: prepare<[string, string]>(database, 'INSERT INTO outbox (visit_id, record) VALUES (?, ?)'),
    due: prepare<[number, number, number], OutboxRow>(
      database,
      `SELECT visit_id, record, attempts FROM outbox
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
      'UPDATE outbox SET delivered_at_ms = ?, record = NULL WHERE visit_id = ? AND delivered_at_ms IS NULL',
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
