/** What a verification found, in Japanese for the clinic. `describeReport` says the same in English. */
import type { FlawReason } from '#evidence/flaw.ts';
import type { VerificationReport } from '#evidence/report.ts';

const FLAWS: Readonly<Record<FlawReason, string>> = {
  'entry-altered': '記録の内容が書き換えられています',
  'entry-malformed': '記録の形式ではありません',
  'sequence-broken': '記録が抜けているか、順番が違います',
  'link-broken': '前の記録とつながりません',
  'line-malformed': '行の形式が違うか、途中で切れています',
  'line-out-of-order': '行の並びが違います',
  'end-wrong': 'ファイルの終わりが欠けているか、最後の記録が違います',
  'record-not-canonical': '記録の書き方が正規の形ではありません',
  'record-malformed': '記録の項目に誤りがあります',
  'certificate-malformed': 'ファイル内の証明書を読み取れません',
  'device-certificate-untrusted': 'SAM の証明書が、指定された認証局のものではありません',
  'device-certificate-out-of-date': 'SAM の証明書の有効期間外です',
  'stamp-malformed': 'SAM のスタンプの形式が違います',
  'stamp-of-other-entry': 'SAM のスタンプが別の記録のものです',
  'stamp-signature-wrong': 'SAM のスタンプの署名が正しくありません',
  'tick-period-changed': 'SAM の時間カウンターの刻みの長さが途中で変わっています',
  'ticks-went-back': 'SAM の時間カウンターが逆戻りしています',
  'tick-nonce-returned': '以前の SAM の起動に戻っています',
  'use-counter-went-back': 'SAM の使用回数が逆戻りしています',
  'tap-challenge-wrong': 'カードの署名対象が記録と一致しません',
  'tap-repeated': '一度のカード読み取りが二つの受付に使われています',
  'consent-missing': '受付に対応する同意の記録がありません',
  'anchor-stamp-wrong': '時刻の基準となるスタンプが正しくありません',
  'time-stamp-wrong': 'タイムスタンプが正しくありません',
};

export function describeInJapanese(report: VerificationReport): readonly string[] {
  const { firstProblem, head, entries, stampsVerified, provenIntervals } = report;
  const bounded = provenIntervals.filter(
    ({ notBeforeMs, notAfterMs }) => notBeforeMs !== undefined && notAfterMs !== undefined,
  );
  return [
    firstProblem === undefined
      ? '証跡は完全です。'
      : `異常: ${firstProblem.seq} 番目の記録（${firstProblem.line} 行目）: ${FLAWS[firstProblem.reason]}`,
    `確認できた記録　　　　${entries} 件`,
    `最後の記録　　　　　　${head === undefined ? 'なし' : `${head.seq} ${head.hash}`}`,
    `SAM のスタンプ　　　　${stampsVerified} 件が正しい、${entries - stampsVerified} 件はスタンプなし`,
    `スタンプのない受付　　${report.visitsUnstamped} 件`,
    `カードの証明　　　　　${report.proofsVerified} 件が正しい`,
    `時刻の基準　　　　　　${report.anchorsVerified} 件が正しい`,
    `SAM の認証局　　　　　${trust(report.deviceCertificates, '--device-ca')}`,
    `タイムスタンプの認証局　${trust(report.timeStamps, '--tsa-ca')}`,
    `時刻が証明された受付　${bounded.length} / ${provenIntervals.length} 件`,
  ];
}

function trust(state: VerificationReport['deviceCertificates'], option: string): string {
  return state === 'trusted' ? '確認済み' : `未確認（${option} で認証局の証明書を指定できます）`;
}
