/** 64x: the carry-out permit for home visits. */
import { row } from './row.ts';

export const ERROR_TABLE_PERMIT = {
  'permit.rejected': row(
    640,
    422,
    'operator',
    'correct-input',
    ['持ち出し許可を出せません。', '期限・回数・職員を確認し、もう一度許可してください。'],
    ['The carry-out permit cannot be granted.', 'Check its end, uses and operators, then grant it again.'],
  ),
  'permit.not-listed': row(
    641,
    403,
    'operator',
    'sign-in',
    ['この職員は持ち出し許可に入っていません。', '許可された職員のカードを使ってください。'],
    ['This operator is not on the carry-out permit.', 'Use the card of an operator who is.'],
  ),
  'permit.uses-exhausted': row(
    642,
    403,
    'operator',
    'check-network',
    ['持ち出し許可の回数を使い切りました。', '登録された場所に戻してください。'],
    ['The uses of the carry-out permit are exhausted.', 'Bring the appliance back to its place.'],
  ),
  'permit.none': row(
    643,
    409,
    'operator',
    'none',
    ['持ち出し許可はありません。', '画面を開き直してください。'],
    ['There is no carry-out permit.', 'Open the page again.'],
  ),
} as const;
