/** Words of the staff pages in both languages: the roster and who asked for what. */
import type { RosterAction } from '#contract/centre/roster-change.ts';
import type { OperatorRole } from '#contract/operator.ts';
import { currentLanguage, speak, type Text } from './language.ts';

const TEXTS = {
  tabStaff: ['職員', 'Staff'],
  tabLog: ['操作の記録', 'Access log'],
  staffTitle: ['職員の名簿', 'Staff'],
  staffLead: [
    '変更するときは、最後にあなた自身のカードと暗証番号で確認します。',
    'Each change is confirmed at the end with your own card and PIN.',
  ],
  name: ['氏名', 'Name'],
  roles: ['職種・権限', 'Roles'],
  kind: ['カード', 'Card'],
  state: ['状態', 'State'],
  changes: ['変更', 'Change'],
  active: ['有効', 'Active'],
  suspended: ['停止中', 'Suspended'],
  you: ['（あなた）', '(you)'],
  addTitle: ['職員を追加', 'Add staff'],
  addLead: [
    '新しい職員のカードをリーダーに置いて、読み取ってください。暗証番号は要りません。',
    'Place the card of the new member of staff on the reader and read it. No PIN is needed.',
  ],
  readCard: ['カードを読み取る', 'Read the card'],
  reading: ['カードを待っています…', 'Waiting for the card…'],
  cardRead: ['読み取ったカード', 'The card that was read'],
  qualification: ['医療資格', 'Qualification'],
  noQualification: ['記載なし', 'None stated'],
  validUntil: ['証明書の期限', 'Certificate ends'],
  cardId: ['職員ID', 'Staff ID'],
  alreadyListed: [
    'このカードはすでに名簿にあります。名簿の行から変更してください。',
    'This card is on the roster already. Change it in its row.',
  ],
  confirmTitle: ['あなたのカードで確認', 'Confirm with your own card'],
  confirmLead: [
    'リーダーのカードをあなた自身のカードに取り替え、あなたの暗証番号を入力してください。',
    'Put your own card on the reader instead, and enter your own PIN.',
  ],
  confirm: ['確認して変更する', 'Confirm the change'],
  done: ['変更しました。', 'The change is made.'],
  back: ['名簿に戻る', 'Back to the roster'],
  chooseRole: ['職種・権限を一つ以上選んでください。', 'Choose at least one role.'],

  logTitle: ['操作の記録', 'Access log'],
  logLead: [
    'だれが、いつ、どの画面で、何をしたかの記録です。この画面を見たことも記録されます。',
    'Who did what, when, and from which screen. Looking at it is recorded as well.',
  ],
  logEmpty: ['この日の記録はありません。', 'There is nothing on this day.'],
  day: ['日付', 'Day'],
  show: ['表示する', 'Show'],
  time: ['時刻', 'Time'],
  who: ['職員', 'Who'],
  screen: ['画面', 'Screen'],
  what: ['操作', 'What'],
  subject: ['対象', 'Of what'],
  outcome: ['結果', 'Result'],
  accepted: ['許可', 'Accepted'],
  nobody: ['（サインイン前）', '(nobody signed in)'],
} as const satisfies Readonly<Record<string, Text>>;

export type StaffTextKey = keyof typeof TEXTS;

const ROLES: Readonly<Record<OperatorRole, Text>> = {
  administrator: ['管理者', 'Administrator'],
  doctor: ['医師', 'Doctor'],
  nurse: ['看護師', 'Nurse'],
  clerk: ['事務', 'Clerk'],
};

const ACTIONS: Readonly<Record<RosterAction, Text>> = {
  add: ['追加', 'Add'],
  suspend: ['停止', 'Suspend'],
  reinstate: ['再開', 'Reinstate'],
  remove: ['名簿から外す', 'Remove'],
  'change-roles': ['権限を変える', 'Change roles'],
};

/** As screens call themselves to the appliance; whoever writes a client of the API may choose other names. */
const SCREENS: ReadonlyMap<string, Text> = new Map<string, Text>([
  ['counter', ['受付画面', 'Counter page']],
  ['unknown', ['（不明）', '(unknown)']],
]);

/** What will happen, as a whole sentence, with the name in it. */
const SENTENCES: Readonly<Record<RosterAction, (name: string) => Text>> = {
  add: (name) => [`${name} さんを名簿に追加します。`, `${name} will be added.`],
  suspend: (name) => [
    `${name} さんを停止します。すぐにサインインできなくなります。`,
    `${name} will be suspended, at once.`,
  ],
  reinstate: (name) => [
    `${name} さんの停止をやめます。またサインインできます。`,
    `${name} will be able to sign in again.`,
  ],
  remove: (name) => [
    `${name} さんを名簿から外します。戻すには、カードをもう一度読み取ります。`,
    `${name} will be removed. To return, the card has to be read again.`,
  ],
  'change-roles': (name) => [`${name} さんの権限を変えます。`, `The roles of ${name} will change.`],
};

export const st = (key: StaffTextKey): string => speak(TEXTS[key]);
export const roleText = (role: OperatorRole): string => speak(ROLES[role]);
export const rolesText = (roles: readonly OperatorRole[]): string =>
  roles.map(roleText).join(currentLanguage() === 'ja' ? '・' : ', ');
export const actionText = (action: RosterAction): string => speak(ACTIONS[action]);
export const changeSentence = (action: RosterAction, name: string): string => speak(SENTENCES[action](name));
/** A screen without words keeps its own name. */
export function screenText(screen: string): string {
  const text = SCREENS.get(screen);
  return text === undefined ? screen : speak(text);
}
export const ALL_ROLES = Object.keys(ROLES) as readonly OperatorRole[];
