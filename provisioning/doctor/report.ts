/** Findings as a table for people, Japanese first, and as JSON for programs. */
import { exitCodeOf, type Finding, type Result } from './finding.ts';

const WORDS: Readonly<Record<Result, string>> = {
  pass: '○ 合格 PASS',
  fail: '× 不良 FAIL',
  skip: '－ 未確認 NOT TESTED',
  limit: '△ 注意 NOTE',
};

const SUMMARY = {
  0: '○ すべて合格しました。 / Everything passed.',
  1: '× 不良があります。「→」の指示に従ってください。 / Something failed: do what stands behind "→".',
  3: '－ 不良はありませんが、確認できなかった項目があります。 / Nothing failed, but not everything was tested.',
} as const;

/** Columns of a terminal: Japanese characters take two. */
function widthOf(text: string): number {
  return [...text].reduce((sum, character) => sum + (/[\u2e80-\uffe6]/u.test(character) ? 2 : 1), 0);
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(1, width - widthOf(text)));
}

export function describeFinding({ title, device, result, detail, next }: Finding): string {
  const row = `${pad(WORDS[result], 24)}${pad(`${title.ja} / ${title.en}`, 48)}${[device, detail].filter(Boolean).join('  ')}`;
  return next === undefined ? row : `${row}\n    → ${next.ja}\n      ${next.en}`;
}

export function describeSummary(findings: readonly Finding[]): string {
  return SUMMARY[exitCodeOf(findings)];
}

export function encodeReport(findings: readonly Finding[]): string {
  return JSON.stringify({ ok: exitCodeOf(findings) === 0, findings });
}
