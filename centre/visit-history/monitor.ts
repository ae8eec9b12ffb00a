/** The web monitor: a list of visits and one page per visit, without scripts. Japanese first, English second. */
import type { VisitRecord } from '#contract/centre/visit-history.ts';
import { CentreRefusal, type Reply } from '../http/problem.ts';
import type { Route } from '../http/route.ts';
import type { StoredVisit, VisitStore } from './store.ts';

const PAGE_ROWS = 50;

export function monitorRoutes(store: VisitStore): Route[] {
  return [
    {
      method: 'GET',
      path: '/',
      handle: ({ url }) => page('受診履歴 Visits', listPage(store, pageNumber(url))),
    },
    {
      method: 'GET',
      path: '/visits/:visitId',
      handle({ parameters }) {
        const visit = store.find(parameters.visitId ?? '');
        if (visit === undefined) throw new CentreRefusal('not-found', 'No such visit.');
        return page('受診記録 Visit', detailPage(visit));
      },
    },
  ];
}

const pageNumber = (url: URL): number => Math.max(1, Math.trunc(Number(url.searchParams.get('page'))) || 1);

const MODES: Readonly<Record<VisitRecord['mode'], string>> = {
  online: 'オンライン online',
  degraded: '一部停止 degraded',
  offline: 'オフライン offline',
};

const ELIGIBILITIES: Readonly<Record<VisitRecord['eligibility'], string>> = {
  valid: '有効 valid',
  invalid: '無効 invalid',
  'invalid-newer-exists': '無効（新しい資格あり） newer exists',
  none: '該当資格なし none',
  several: '複数該当 several',
  unregistered: '有効（未登録） unregistered',
  unknown: '未確認 unknown',
};

const IDENTIFICATIONS: Readonly<Record<VisitRecord['identifiedBy'], string>> = {
  'organisation-authentication': 'マイナンバーカード My Number Card',
  'insured-number': '記号・番号 insured number',
};

const FACE_CHECKS: Readonly<Record<VisitRecord['faceCheck'], string>> = {
  'card-photo': 'カード内の写真 card photo',
  'printed-photo': '券面の写真 printed photo',
  'not-done': 'なし not done',
};

const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const japaneseTime = (iso: string): string =>
  new Intl.DateTimeFormat('ja-JP', {
    dateStyle: 'medium',
    timeStyle: 'medium',
    timeZone: 'Asia/Tokyo',
  }).format(new Date(iso));

function listPage(store: VisitStore, number: number): string {
  const { visits, deliveries } = store.counts();
  const rows = store.newest(PAGE_ROWS, (number - 1) * PAGE_ROWS).map(({ record }) => {
    const cells = [
      `<a href="/visits/${record.visitId}">${escapeHtml(japaneseTime(record.visitedAt))}</a>`,
      escapeHtml(record.institutionCode),
      escapeHtml(record.cardId ?? '—'),
      MODES[record.mode],
      ELIGIBILITIES[record.eligibility],
    ];
    return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
  });
  const headings = ['日時 Time', '医療機関 Institution', 'カードID Card ID', '状態 Mode', '資格 Eligibility'];
  const last = Math.max(1, Math.ceil(visits / PAGE_ROWS));
  const link = (to: number, text: string): string =>
    to < 1 || to > last ? '' : `<a href="/?page=${to}">${text}</a> `;
  return `<h1>受診履歴 <span lang="en">Visits</span></h1>
<p>受診 <b>${visits}</b> 件（受信 ${deliveries} 回） <span lang="en">${visits} visits in ${deliveries} deliveries</span></p>
<table><thead><tr>${headings.map((heading) => `<th scope="col">${heading}</th>`).join('')}</tr></thead>
<tbody>${rows.join('\n')}</tbody></table>
<nav aria-label="ページ Pages">${link(number - 1, '新しい Newer')}${number} / ${last} ${link(number + 1, '古い Older')}</nav>`;
}

function detailPage({ record, receivedAtMs, deliveries }: StoredVisit): string {
  const rows: readonly (readonly [string, string])[] = [
    ['受診ID Visit ID', record.visitId],
    ['日時 Time', japaneseTime(record.visitedAt)],
    ['医療機関 Institution', record.institutionCode],
    ['カードID Card ID', record.cardId ?? '—'],
    ['確認方法 Identified by', IDENTIFICATIONS[record.identifiedBy]],
    ['顔の確認 Face check', FACE_CHECKS[record.faceCheck]],
    ['資格 Eligibility', ELIGIBILITIES[record.eligibility]],
    ['状態 Mode', MODES[record.mode]],
    ['証跡番号 Evidence number', String(record.evidence.seq)],
    ['証跡ハッシュ Evidence hash', record.evidence.hash],
    ['受信日時 Received', japaneseTime(new Date(receivedAtMs).toISOString())],
    ['受信回数 Deliveries', String(deliveries)],
  ];
  const list = rows.map(([name, value]) => `<dt>${name}</dt><dd>${escapeHtml(value)}</dd>`);
  return `<h1>受診記録 <span lang="en">Visit</span></h1><dl>${list.join('\n')}</dl>
<p><a href="/">一覧へ <span lang="en">Back to the list</span></a></p>`;
}

const STYLE = `body{font:16px/1.6 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.4rem .6rem;border-bottom:1px solid #767676}
dt{font-weight:bold}dd{margin:0 0 .6rem;overflow-wrap:anywhere}a{color:#0b4f9e}`;

function page(title: string, main: string): Reply {
  return {
    status: 200,
    mediaType: 'text/html; charset=utf-8',
    headers: {
      'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
    },
    body: `<!doctype html>
<html lang="ja"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title>
<style>${STYLE}</style></head><body><main>${main}</main></body></html>`,
  };
}
