/** The access log as people read it: a table with Japanese columns, for a spreadsheet (CSV) or a program (JSON). */
import { ERRORS } from '#contract/errors.ts';
import { type HttpRoute, ROUTES } from '#contract/http.ts';
import type { AccessEntry } from '#evidence/access-log.ts';

const COLUMNS = [
  '番号',
  '日時（日本）',
  '職員ID',
  '職員名',
  '画面',
  '操作',
  '対象',
  '結果',
  '問い合わせ番号',
] as const;
export type AccessRow = Readonly<Record<(typeof COLUMNS)[number], string>>;

const JAPAN_MS = 9 * 3_600_000;

/** `2026-11-25 18:03:12.123`, in Japan. */
function japaneseTime(instant: string): string {
  return new Date(Date.parse(instant) + JAPAN_MS).toISOString().replace('T', ' ').replace('Z', '');
}

/** The day of an entry in Japan, `2026-11-25`. */
export function japaneseDay(instant: string): string {
  return japaneseTime(instant).slice(0, 10);
}

export function accessRow(entry: AccessEntry, names: ReadonlyMap<string, string>): AccessRow {
  const { seq, at, operatorId = '', screen, route, subject = '', requestId, error } = entry;
  const known = Object.entries<HttpRoute>(ROUTES).find(([id]) => id === route)?.[1];
  return {
    番号: String(seq),
    '日時（日本）': japaneseTime(at),
    職員ID: operatorId,
    職員名: names.get(operatorId) ?? '',
    画面: screen,
    操作: known?.ja ?? route,
    対象: subject,
    結果: error === undefined ? '受付' : `拒否: ${ERRORS[error]?.ja.title ?? error}`,
    問い合わせ番号: requestId,
  };
}

/** RFC 4180 with the byte order mark by which Japanese spreadsheets know UTF-8. */
export function accessCsv(rows: readonly AccessRow[]): string {
  const lines = [COLUMNS, ...rows.map((row) => COLUMNS.map((column) => row[column]))];
  return `\u{feff}${lines.map((cells) => `${cells.map(csvCell).join(',')}\r\n`).join('')}`;
}

export function accessJson(rows: readonly AccessRow[]): string {
  return `${JSON.stringify(rows, undefined, 1)}\n`;
}

/** A cell that begins like a formula would be one in a spreadsheet; a name comes from a person. */
function csvCell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
