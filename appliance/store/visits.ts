/** Visits as the counter sees them. */
import type { Visit } from '#contract/visit.ts';
import { type Database, prepare } from './database.ts';
import { type SealedColumn, type Sealer, sealJson, unsealJson } from './sealer.ts';

export interface VisitRow {
  readonly visit_id: string;
  /** The truth about delivery; a column of its own, so that delivering needs no open seal. */
  readonly visit_record: Visit['visitRecord'];
  readonly sealed_visit: Uint8Array;
}

export interface VisitTable {
  put(visit: Visit): void;
  visit(visitId: string): Visit | undefined;
  between(fromMs: number, toMs: number): readonly Visit[];
}

const place = (visitId: string): string => `visit/${visitId}/visit`;

export const VISIT: SealedColumn = {
  table: 'visit',
  column: 'sealed_visit',
  takesLetters: true,
  key: ['visit_id'],
  place: (visitId = '') => place(visitId),
};

export function openVisit(sealer: Sealer, row: VisitRow): Visit {
  const visit = unsealJson<Visit>(sealer, row.sealed_visit, place(row.visit_id));
  return { ...visit, visitRecord: row.visit_record };
}

export function createVisitTable(database: Database, sealer: Sealer): VisitTable {
  const sql = prepareSql(database);
  return {
    put(visit) {
      const sealed = sealJson(sealer, visit, place(visit.visitId));
      sql.put.run(visit.visitId, Date.parse(visit.at), visit.cardId ?? null, visit.visitRecord, sealed);
    },
    visit(visitId) {
      const row = sql.byId.get(visitId);
      return row && openVisit(sealer, row);
    },
    between: (fromMs, toMs) => sql.byTime.all(fromMs, toMs).map((row) => openVisit(sealer, row)),
  };
}

function prepareSql(database: Database) {
  return {
    // A visit is put again when a question about it closes; it may have been delivered in between.
    put: prepare<[string, number, string | null, string, Uint8Array]>(
      database,
      `INSERT INTO visit (visit_id, at_ms, card_id, visit_record, sealed_visit) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (visit_id) DO UPDATE SET
         card_id = excluded.card_id,
         visit_record = iif(visit_record = 'delivered', 'delivered', excluded.visit_record),
         sealed_visit = excluded.sealed_visit`,
    ),
    byId: prepare<[string], VisitRow>(
      database,
      'SELECT visit_id, visit_record, sealed_visit FROM visit WHERE visit_id = ?',
    ),
    byTime: prepare<[number, number], VisitRow>(
      database,
      `SELECT visit_id, visit_record, sealed_visit FROM visit
       WHERE at_ms >= ? AND at_ms < ? ORDER BY at_ms DESC, rowid DESC`,
    ),
  };
}
