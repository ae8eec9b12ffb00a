/** What is still open about a visit, since when and why; nothing leaves this table without an answer. */
import type { InsuredNumber } from '#contract/centre/eligibility.ts';
import type { ErrorCode } from '#contract/errors.ts';
import type { UnresolvedVisit } from '#contract/visit.ts';
import type { OpenQuestion, OpenQuestionRow, StoreEffect } from '#evidence/ledger.ts';
import { type Database, prepare } from './database.ts';
import { type SealedColumn, type Sealer, sealJson, unsealJson } from './sealer.ts';
import { openVisit, type VisitRow } from './visits.ts';

interface QuestionRow {
  readonly visit_id: string;
  readonly question: OpenQuestion;
  readonly reason: ErrorCode;
  readonly sealed_serial_hash: Uint8Array | null;
  readonly sealed_insured: Uint8Array | null;
  readonly opened_at_ms: number;
  readonly attempts: number;
}

export interface QuestionTable {
  open(effect: Extract<StoreEffect, { do: 'open-question' }>): void;
  close(visitId: string, question: OpenQuestion): void;
  openQuestions(limit: number): readonly OpenQuestionRow[];
  countAttempt(visitId: string, question: OpenQuestion): void;
  keepInsured(visitId: string, question: OpenQuestion, insured: InsuredNumber): void;
  unresolvedVisits(nowMs: number): readonly UnresolvedVisit[];
  unresolvedCount(): number;
}

const place = (visitId: string, question: string): string => `question/${visitId}/${question}/serial-hash`;

export const QUESTION_SERIAL_HASH: SealedColumn = {
  table: 'question',
  column: 'sealed_serial_hash',
  takesLetters: true,
  key: ['visit_id', 'question'],
  place: (visitId = '', question = '') => place(visitId, question),
};

const insuredPlace = (visitId: string, question: string): string => `question/${visitId}/${question}/insured`;

export const QUESTION_INSURED: SealedColumn = {
  table: 'question',
  column: 'sealed_insured',
  takesLetters: true,
  key: ['visit_id', 'question'],
  place: (visitId = '', question = '') => insuredPlace(visitId, question),
};

export function createQuestionTable(database: Database, sealer: Sealer): QuestionTable {
  const sql = prepareSql(database);
  const serialHashOf = ({ visit_id, question, sealed_serial_hash }: QuestionRow): string | undefined =>
    sealed_serial_hash === null
      ? undefined
      : Buffer.from(sealer.unseal(sealed_serial_hash, place(visit_id, question))).toString('hex');
  const insuredOf = ({ visit_id, question, sealed_insured }: QuestionRow): InsuredNumber | undefined =>
    sealed_insured === null
      ? undefined
      : unsealJson<InsuredNumber>(sealer, sealed_insured, insuredPlace(visit_id, question));
  const sealInsured = (insured: InsuredNumber, visitId: string, question: OpenQuestion): Uint8Array =>
    sealJson(sealer, insured, insuredPlace(visitId, question));

  return {
    open({ visitId, question, reason, serialHash, insured, openedAtMs }) {
      const sealed =
        serialHash === undefined
          ? null
          : sealer.seal(Buffer.from(serialHash, 'hex'), place(visitId, question));
      const kept = insured === undefined ? null : sealInsured(insured, visitId, question);
      sql.open.run(visitId, question, reason, sealed, kept, openedAtMs);
    },
    close(visitId, question) {
      sql.close.run(visitId, question);
    },
    countAttempt(visitId, question) {
      sql.count.run(visitId, question);
    },
    keepInsured(visitId, question, insured) {
      sql.keep.run(sealInsured(insured, visitId, question), visitId, question);
    },
    openQuestions: (limit) =>
      sql.next.all(limit).map((row) => ({
        visitId: row.visit_id,
        question: row.question,
        reason: row.reason,
        serialHash: serialHashOf(row),
        insured: insuredOf(row),
        openedAtMs: row.opened_at_ms,
        attempts: row.attempts,
      })),
    unresolvedCount: () => sql.visits.get()?.visits ?? 0,
    unresolvedVisits(nowMs) {
      const byVisit = new Map<string, (QuestionRow & VisitRow)[]>();
      for (const row of sql.ofVisits.all()) {
        const rows = byVisit.get(row.visit_id);
        if (rows === undefined) byVisit.set(row.visit_id, [row]);
        else rows.push(row);
      }
      return [...byVisit.values()].flatMap((rows) => describe(rows, nowMs, sealer));
    },
  };
}

/** `rows` are the open questions of one visit, oldest first. */
function describe(
  rows: readonly (QuestionRow & VisitRow)[],
  nowMs: number,
  sealer: Sealer,
): readonly UnresolvedVisit[] {
  const [oldest] = rows;
  if (oldest === undefined) return [];
  const { visitId, at, cardId, patientNumber } = openVisit(sealer, oldest);
  return [
    {
      visitId,
      at,
      ...(cardId !== undefined && { cardId }),
      ...(patientNumber !== undefined && { patientNumber }),
      open: rows.map(({ question }) => question),
      ageSeconds: Math.max(0, Math.floor((nowMs - oldest.opened_at_ms) / 1000)),
      reason: oldest.reason,
      hasInsuredNumber: rows.some(({ sealed_insured }) => sealed_insured !== null),
      attempts: Math.max(...rows.map(({ attempts }) => attempts)),
    },
  ];
}

function prepareSql(database: Database) {
  return {
    open: prepare<[string, string, string, Uint8Array | null, Uint8Array | null, number]>(
      database,
      `INSERT INTO question (visit_id, question, reason, sealed_serial_hash, sealed_insured, opened_at_ms)
       VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (visit_id, question) DO UPDATE SET reason = excluded.reason,
         sealed_serial_hash = coalesce(excluded.sealed_serial_hash, sealed_serial_hash),
         sealed_insured = coalesce(excluded.sealed_insured, sealed_insured)`,
    ),
    close: prepare<[string, string]>(database, 'DELETE FROM question WHERE visit_id = ? AND question = ?'),
    count: prepare<[string, string]>(
      database,
      'UPDATE question SET attempts = attempts + 1 WHERE visit_id = ? AND question = ?',
    ),
    keep: prepare<[Uint8Array, string, string]>(
      database,
      'UPDATE question SET sealed_insured = ? WHERE visit_id = ? AND question = ?',
    ),
    // Least tried first: a question that never gets an answer must not keep the others waiting.
    next: prepare<[number], QuestionRow>(
      database,
      `SELECT visit_id, question, reason, sealed_serial_hash, sealed_insured, opened_at_ms, attempts FROM question
       ORDER BY attempts, opened_at_ms LIMIT ?`,
    ),
    visits: prepare<[], { visits: number }>(
      database,
      'SELECT count(DISTINCT visit_id) AS visits FROM question',
    ),
    ofVisits: prepare<[], QuestionRow & VisitRow>(
      database,
      `SELECT question.*, visit_record, sealed_visit FROM question JOIN visit USING (visit_id)
       ORDER BY opened_at_ms, visit_id, question`,
    ),
  };
}
