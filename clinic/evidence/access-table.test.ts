import { expect, test } from 'vitest';
import { accessCsv, accessJson, accessRow, japaneseDay } from './access-table.ts';

const ENTRY = {
  kind: 'access',
  seq: 12,
  at: '2026-11-24T15:00:00.000Z',
  operatorId: '00112233445566aa',
  screen: 'counter',
  route: 'readVisit',
  subject: 'b1c2',
  requestId: '0123456789abcdef',
} as const;
const NAMES = new Map([['00112233445566aa', '架空　受付子']]);

test('a row is readable: the time of Japan, the name, what was done', () => {
  expect(japaneseDay(ENTRY.at)).toBe('2026-11-25');
  expect(accessRow(ENTRY, NAMES)).toEqual({
    番号: '12',
    '日時（日本）': '2026-11-25 00:00:00.000',
    職員ID: '00112233445566aa',
    職員名: '架空　受付子',
    画面: 'counter',
    操作: '受付の記録',
    対象: 'b1c2',
    結果: '受付',
    問い合わせ番号: '0123456789abcdef',
  });
});

test('a refusal says why; who is not on the roster has an id and no name', () => {
  const row = accessRow({ ...ENTRY, error: 'visit.unknown' }, new Map());
  expect(row).toMatchObject({ 職員名: '', 職員ID: ENTRY.operatorId });
  expect(row.結果).toMatch(/^拒否: .+/);
});

test('CSV is RFC 4180 with a byte order mark, and no cell is a formula', () => {
  const names = new Map([['00112233445566aa', '=HYPERLINK("http://x","y")']]);
  const csv = accessCsv([accessRow(ENTRY, names)]);
  expect(
    csv.startsWith('\u{feff}番号,日時（日本）,職員ID,職員名,画面,操作,対象,結果,問い合わせ番号\r\n'),
  ).toBe(true);
  expect(csv).toContain(`,"'=HYPERLINK(""http://x"",""y"")",`);
  expect(csv.endsWith(',0123456789abcdef\r\n')).toBe(true);
});

test('JSON has the same columns', () => {
  const row = accessRow(ENTRY, NAMES);
  expect(JSON.parse(accessJson([row]))).toEqual([row]);
});
