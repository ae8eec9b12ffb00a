/** The keys on the box in both languages: where a PIN is entered, and how much of it there is. */
import { speak } from './language.ts';

export const leavePinEmptyText = (): string =>
  speak([
    '空欄でサインインを押すと、本体のキーパッドで入力できます。',
    'Leave it empty to enter it on the keypad of the box.',
  ]);

export const enterPinOnKeysText = (): string =>
  speak([
    '本体のキーパッドで暗証番号を入力し、Enter を押してください。カードを離さないでください。',
    'Enter the PIN on the keypad of the box, then Enter. Leave the card on the reader.',
  ]);

export const digitsEnteredText = (count: number): string =>
  speak([`入力した桁数: ${count}`, `Digits entered: ${count}`]);
