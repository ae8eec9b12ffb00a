/** 35x: the keys on the box. */
import { row } from './row.ts';

export const ERROR_TABLE_PANEL = {
  'panel.unplugged': row(
    350,
    503,
    'operator',
    'wait',
    ['キーパッドが外れています。', 'キーパッドを差し込み、もう一度操作してください。'],
    ['The keypad is unplugged.', 'Plug it in and try again.'],
  ),
  'panel.not-exclusive': row(
    351,
    503,
    'support',
    'call-support',
    [
      'キーパッドの入力を他から守れません。',
      'サポートに連絡し、udev の規則（60-sekisho-panel.rules）を入れてください。',
    ],
    ['Keys of the keypad reach others too.', 'Install the udev rule 60-sekisho-panel.rules.'],
  ),
  'panel.forbidden': row(
    352,
    503,
    'support',
    'call-support',
    [
      'キーパッドを開く権限がありません。',
      'サポートに連絡し、udev の規則（60-sekisho-panel.rules）を入れてください。',
    ],
    ['The appliance may not open the keypad.', 'Install the udev rule 60-sekisho-panel.rules.'],
  ),
  'panel.pin-cancelled': row(
    353,
    409,
    'operator',
    'sign-in',
    ['暗証番号の入力が取り消されました。', 'もう一度サインインしてください。'],
    ['The entry of the PIN was cancelled.', 'Sign in again.'],
  ),
  'panel.pin-expired': row(
    354,
    408,
    'operator',
    'sign-in',
    ['暗証番号が時間内に入力されませんでした。', 'もう一度サインインしてください。'],
    ['The PIN was not entered in time.', 'Sign in again.'],
  ),
  'panel.absent': row(
    355,
    422,
    'operator',
    'correct-input',
    ['この装置にはキーパッドがありません。', '画面で暗証番号を入力してください。'],
    ['This appliance has no keypad.', 'Enter the PIN on the screen.'],
  ),
} as const;
