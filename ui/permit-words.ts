/** The words of the carry-out permit in both languages. */
import { speak, type Text } from './language.ts';

const TEXTS = {
  tab: ['持ち出し', 'Home visits'],
  title: ['訪問診療への持ち出し', 'Carry-out for home visits'],
  lead: [
    '期限・回数・使う職員を決め、自分のカードで署名します。持ち出すと装置はいったんロックされ、選んだ職員のカードで解除します。',
    'Decide until when, how often and for whom, and sign with your own card. Leaving locks the appliance; the card of somebody you chose opens it.',
  ],
  until: ['期限', 'Until'],
  hours: ['今から{n}時間', '{n} hours from now'],
  uses: ['読み取りの回数', 'Number of readings'],
  usesHint: ['うまくいかなかった読み取りも数えます', 'Readings that come to nothing count too'],
  operators: ['使う職員', 'Who may use it'],
  grant: ['持ち出しを許可する', 'Grant carry-out'],
  chooseSomebody: ['職員を一人以上選んでください。', 'Choose at least one person.'],
  granted: ['持ち出しを許可しています', 'Carry-out is granted'],
  away: ['持ち出し中', 'Away from the clinic'],
  terms: ['{until} まで・残り{n}回・{who}', 'until {until}, {n} left, {who}'],
  end: ['許可を終わらせる', 'End the permit'],
  atHomeOnly: [
    '持ち出しの許可は、登録されたネットワークでだけ出せます。',
    'Carry-out is granted on the registered network only.',
  ],
} as const satisfies Readonly<Record<string, Text>>;

export function pt(key: keyof typeof TEXTS, values: Readonly<Record<string, string | number>> = {}): string {
  return speak(TEXTS[key]).replace(/\{(\w+)\}/g, (_whole, name: string) => String(values[name] ?? ''));
}
