/** Visit records, each kept once however often it is sent. */
import { createHash } from 'node:crypto';
import { VisitRecord } from '#contract/centre/visit-history.ts';
import { type CentreDatabase, openDatabase } from '../database.ts';

export type Registration = 'created' | 'repeated' | 'conflict';

export interface StoredVisit {
  readonly record: VisitRecord;
  readonly receivedAtMs: number;
  /** How often the record arrived; the visit counts once. */
  readonly deliveries: number;
}

export interface VisitStore {
  /** Durable when it returns. */
  register(record: VisitRecord, nowMs: number): { outcome: Registration; receivedAtMs: number };
  find(visitId: string): StoredVisit | undefined;
  newest(limit: number, offset: number): StoredVisit[];
  /** Visits, and deliveries of them. */
  counts(): { readonly visits: number; readonly deliveries: number };
  close(): void;
}

const MIGRATIONS = [
  `CREATE TABLE visit (
     visit_id TEXT PRIMARY KEY,
     institution_code TEXT NOT NULL,
     visited_at TEXT NOT NULL,
     digest BLOB NOT NULL,
     content TEXT NOT NULL,
     received_at_ms INTEGER NOT NULL,
     deliveries INTEGER NOT NULL
   );
   CREATE INDEX visit_by_time ON visit (visited_at DESC);`,
];

interface Row {
  readonly digest: Buffer;
  readonly content: string;
  readonly received_at_ms: number;
  readonly deliveries: number;
}

const toVisit = (row: Row): StoredVisit => ({
  record: VisitRecord.parse(JSON.parse(row.content)),
  receivedAtMs: row.received_at_ms,
  deliveries: row.deliveries,
});

export function openVisitStore(file: string): VisitStore {
  const database = openDatabase(file, MIGRATIONS);
  return {
    register: (record, nowMs) => database.transaction(() => register(database, record, nowMs)),
    find(visitId) {
      const row = database.get<Row>('SELECT * FROM visit WHERE visit_id = ?', visitId);
      return row === undefined ? undefined : toVisit(row);
    },
    newest: (limit, offset) =>
      database
        .all<Row>('SELECT * FROM visit ORDER BY visited_at DESC, visit_id LIMIT ? OFFSET ?', limit, offset)
        .map(toVisit),
    counts() {
      const sql = 'SELECT count(*) AS visits, coalesce(sum(deliveries), 0) AS deliveries FROM visit';
      return database.get<{ visits: number; deliveries: number }>(sql) ?? { visits: 0, deliveries: 0 };
    },
    close: () => database.close(),
  };
}

function register(
  database: CentreDatabase,
  record: VisitRecord,
  nowMs: number,
): { outcome: Registration; receivedAtMs: number } {
  const content = canonicalJson(record);
  const digest = createHash('sha256').update(content).digest();
  const known = database.get<Row>('SELECT * FROM visit WHERE visit_id = ?', record.visitId);
  if (known === undefined) {
    database.run(
      'INSERT INTO visit VALUES (?, ?, ?, ?, ?, ?, 1)',
      record.visitId,
      record.institutionCode,
      record.visitedAt,
      digest,
      content,
      nowMs,
    );
    return { outcome: 'created', receivedAtMs: nowMs };
  }
  if (!known.digest.equals(digest)) return { outcome: 'conflict', receivedAtMs: known.received_at_ms };
  database.run('UPDATE visit SET deliveries = deliveries + 1 WHERE visit_id = ?', record.visitId);
  return { outcome: 'repeated', receivedAtMs: known.received_at_ms };
}

/** Members in order of their names, so that the same record sent in another order is the same record. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
