/**
 * Reasons for ProcessingResultStatus 2. The official codes (別紙6-1) are for registered vendors only, so these
 * are ours; none of the messages repeats anything of the question.
 */

export const PROCESSING_ERRORS = {
  SKE10: '利用者証明用電子証明書を検証できません。',
  SKE11: '利用者証明用電子証明書の有効期間外です。',
  SKE12: '利用者証明用電子証明書は失効しています。',
  SKE13: '利用者証明用電子証明書は一時停止中です。',
  SKE14: 'カードの署名を検証できません。',
  SKE15: 'このカード署名は既に使われています。もう一度カードを読み取ってください。',
  SKE20: '保険者番号の検証番号が正しくありません。',
  SKE21: '後期高齢者医療の被保険者番号が正しくありません。',
} as const;

export type ProcessingErrorCode = keyof typeof PROCESSING_ERRORS;
