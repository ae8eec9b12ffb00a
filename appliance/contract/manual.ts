/** Renders the error table as the manual page `docs/errors.md`. */
import { ERROR_CODES, ERRORS, type ErrorCode, type NextStep, type WhoActs } from './errors.ts';

const WHO: Readonly<Record<WhoActs, string>> = {
  patient: '患者 patient',
  operator: '職員 operator',
  support: 'サポート support',
  developer: '開発者 developer',
};

const THEN: Readonly<Record<NextStep, string>> = {
  'tap-again': 'カードを置き直す tap again',
  wait: '待つ wait',
  'sign-in': 'サインイン sign in',
  'enter-pin-again': '暗証番号を入れ直す enter the PIN again',
  'unlock-sam': 'SAM を解除 unlock the SAM',
  'check-network': 'ネットワークを確認 check the network',
  'use-insured-number': '番号で確認 use the insured number',
  'ask-patient': '患者に聞く ask the patient',
  'correct-input': '入力を直す correct the input',
  'call-support': 'サポートに連絡 call support',
  none: 'なし none',
};

/** One section per hundred of wire numbers; a card error and a reader error never stand together. */
const SECTIONS: readonly (readonly [firstWire: number, title: string])[] = [
  [100, 'リクエストと設定 Requests and configuration'],
  [200, 'カード Card: tap again'],
  [300, 'カードリーダー Reader: call support'],
  [400, 'SAM: call support'],
  [500, 'ネットワーク Network'],
  [600, '職員 Operators and sessions'],
  [700, '受付と患者 Tap and patient'],
  [800, 'センター Centre'],
  [900, '記録と内部 Store, evidence and the program itself'],
];

export function renderErrorManual(): string {
  const sections = SECTIONS.map(([firstWire, title]) => `## ${title}\n\n${renderRows(codesFrom(firstWire))}`);
  return `# エラー一覧 / Errors

<!-- Generated from appliance/contract/errors.ts. UPDATE_GOLDEN=1 npx vitest run appliance/contract rewrites it. -->

The same code appears on the screen, in HTTPS problem documents (\`code\`), in BLE replies (\`wire\`, two bytes) and in the log.
Codes and wire numbers are never reused.

${sections.join('\n')}`;
}

function codesFrom(firstWire: number): readonly ErrorCode[] {
  return ERROR_CODES.filter((code) => Math.floor(ERRORS[code].wire / 100) * 100 === firstWire).toSorted(
    (a, b) => ERRORS[a].wire - ERRORS[b].wire,
  );
}

function renderRows(codes: readonly ErrorCode[]): string {
  const rows = codes.map((code) => {
    const { wire, http, who, then, ja, en } = ERRORS[code];
    return `| ${wire} | \`${code}\` | ${http} | ${ja.title}<br>${en.title} | ${ja.next}<br>${en.next} | ${WHO[who]} | ${THEN[then]} |\n`;
  });
  return `| wire | code | HTTP | 何が起きたか What happened | 次にすること What to do | who acts | button |\n|---|---|---|---|---|---|---|\n${rows.join('')}`;
}
