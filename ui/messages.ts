/** Every word of the page in both languages. Errors are not here: they come from the one table. */
import type { TapStepName } from '#contract/snapshot.ts';
import { ELEMENT_NAMES } from './element-names.ts';
import { STEP_NAMES } from './step-names.ts';

export type Language = 'ja' | 'en';
type Text = readonly [ja: string, en: string];

const TEXTS = {
  title: ['受付', 'Reception'],
  skip: ['本文へ', 'Skip to content'],
  tabReception: ['受付', 'Reception'],
  tabNumber: ['番号で確認', 'By number'],
  tabToday: ['今日の受付', 'Today'],
  tabUnresolved: ['未確認', 'Unresolved'],
  menu: ['画面の切り替え', 'Screens'],
  otherLanguage: ['English', '日本語'],
  signOut: ['サインアウト', 'Sign out'],
  requestNumber: ['問い合わせ番号', 'Request number'],
  cancel: ['取り消す', 'Cancel'],
  working: ['処理しています…', 'Working…'],
  connecting: ['装置につないでいます…', 'Connecting to the appliance…'],
  connectionLost: [
    '装置とつながっていません。自動でつなぎ直します。',
    'Not connected to the appliance. Reconnecting by itself.',
  ],

  modeOnline: ['オンライン', 'Online'],
  modeDegraded: ['一部オフライン', 'Partly offline'],
  modeOffline: ['オフライン', 'Offline'],
  modeDegradedNote: [
    'センターの一部につながっていません。受付は続けられます。',
    'Part of the centre is not reachable. Go on receiving patients.',
  ],
  modeOfflineNote: [
    'センターにつながっていません。受付は続けられ、後で自動で確認します。',
    'The centre is not reachable. Go on; it will be checked later.',
  ],
  factReader: ['カードリーダー', 'Card reader'],
  factSam: ['SAM', 'SAM'],
  factNetwork: ['ネットワーク', 'Network'],
  factCentre: ['センター', 'Centre'],
  ok: ['正常', 'OK'],
  faulted: ['異常', 'Fault'],
  absent: ['なし', 'Absent'],
  locked: ['ロック中', 'Locked'],
  unlockedOnline: ['解除中（残り{n}回）', 'Unlocked ({n} left)'],
  unlockedOffline: ['職員カードで解除中（残り{n}回）', 'Unlocked by card ({n} left)'],
  disabled: ['停止', 'Disabled'],
  registered: ['登録済み', 'Registered'],
  foreign: ['登録外', 'Foreign'],
  carryOut: ['持ち出し許可', 'Carry-out permit'],
  centreUp: ['{n} / 4 接続', '{n} of 4 up'],
  listsOld: ['失効リストを更新できません', 'List of revoked cards not renewed'],
  queued: ['送信待ち {n}件', '{n} waiting to be sent'],
  systemState: ['装置の状態', 'State of the system'],

  signInTitle: ['職員サインイン', 'Staff sign-in'],
  signInLead: [
    '職員カードをリーダーに置き、暗証番号を入力してください。',
    'Place your staff card on the reader and enter the PIN.',
  ],
  cardKind: ['カードの種類', 'Kind of card'],
  cardMyNumber: ['マイナンバーカード', 'My Number Card'],
  cardHpki: ['HPKIカード', 'HPKI card'],
  pin: ['暗証番号', 'PIN'],
  pinHintMyNumber: ['数字4桁（利用者証明用）', '4 digits (user authentication)'],
  pinHintHpki: ['4〜16文字', '4 to 16 characters'],
  signIn: ['サインイン', 'Sign in'],
  signingIn: [
    'カードを確認しています。カードを離さないでください。',
    'Checking the card. Leave it on the reader.',
  ],
  triesLeft: ['残り {n} 回', '{n} tries left'],
  acceptLastTry: [
    '次に間違えるとカードがロックされることを確認しました',
    'I know that another wrong PIN blocks the card',
  ],

  unlockTitle: ['SAM を解除します', 'Unlock the SAM'],
  unlockLead: [
    'センターの許可で解除します。つながらないときは職員カードを使います。',
    'The centre authorises it. Without the centre, use your staff card.',
  ],
  unlockOnline: ['オンラインで解除', 'Unlock online'],
  unlockOffline: ['職員カードで解除', 'Unlock with the staff card'],
  unlockOfflineLead: ['センターにつながらないときだけ使います。', 'Only when the centre cannot be reached.'],

  statusTitle: ['まだ受付できません', 'Not ready yet'],
  startTitle: ['受付できます', 'Ready'],
  startLead: ['患者さんに画面を見せて、受付を始めてください。', 'Turn the screen to the patient and start.'],
  start: ['受付を始める', 'Start'],
  options: ['くわしい設定', 'Options'],
  includeLimitInfo: ['限度額の情報も確認する', 'Ask for limit-application information too'],
  verificationNumberB: ['照合番号B（14桁）', 'Verification number B (14 digits)'],
  verificationHint: [
    '入れるとカードの顔写真を画面に出し、初めての方は氏名・住所なども読み取ります。空なら券面の写真と見比べます。',
    'Shows the photo from the card and reads name and address of a new patient. Empty: compare with the printed photo.',
  ],
  attributesPin: ['券面入力補助用の暗証番号（4桁）', 'PIN for card details (4 digits)'],
  attributesPinHint: [
    '初めての方の氏名・住所などを読み取るとき、照合番号Bの代わりに患者さんに入れてもらいます。',
    'Instead of number B, typed by a new patient, to read name and address from the card.',
  ],
  otherTapTitle: ['ほかの画面で受付が進行中です', 'A tap is running on another screen'],
  otherTapCancel: ['その受付を取り消す', 'Cancel that tap'],

  consentTitle: ['カードを読み取ってよいですか', 'May we read your card?'],
  consentLimit: ['限度額の情報も確認します。', 'Limit-application information is asked for too.'],
  consentCardData: [
    'カードの顔写真、氏名、住所、生年月日、性別も読み取ります。',
    'Photo, name, address, date of birth and sex on the card are read too.',
  ],
  consentOk: ['はい、OK', 'Yes, OK'],
  consentRefuse: ['いいえ', 'No'],

  placeCard: ['カードを置いてください', 'Place your card'],
  placeCardNote: [
    'リーダーの上に置いたまま、動かさないでください。',
    'Leave it on the reader and do not move it.',
  ],
  reading: ['読み取っています', 'Reading'],
  readingNote: ['カードを離さないでください。', 'Leave the card on the reader.'],
  recording: ['記録しています', 'Saving'],
  recordingNote: ['もう少しです。', 'Almost done.'],
  progress: ['進み具合', 'Progress'],
  stepRunning: ['実行中', 'running'],
  stepDone: ['完了', 'done'],
  stepFailed: ['失敗', 'failed'],
  stepSkipped: ['省略', 'skipped'],

  faceTitle: ['本人ですか？', 'Is this the person?'],
  faceCardPhoto: [
    'カードの写真と、目の前の方を見比べてください。',
    'Compare the photo from the card with the person before you.',
  ],
  facePrinted: [
    'カードに印刷された写真と、目の前の方を見比べてください。',
    'Compare the photo printed on the card with the person before you.',
  ],
  photoAlt: ['カードの顔写真', 'Photo from the card'],
  nameAlt: ['カードの氏名', 'Name on the card'],
  addressAlt: ['カードの住所', 'Address on the card'],
  match: ['同じ人です', 'Same person'],
  mismatch: ['ちがう人です', 'Different person'],
  faceRecording: ['保険を確認し、記録しています…', 'Checking the insurance and saving…'],

  failedTitle: ['受付できませんでした', 'The visit could not be received'],
  tryAgain: ['もう一度始める', 'Start again'],
  useNumber: ['番号で確認する', 'Check by number'],
  toStart: ['最初の画面へ', 'To the first screen'],

  acceptedTitle: ['受付しました', 'Received'],
  refusedTitle: ['受付できません', 'Refused'],
  nextPatient: ['次の患者さんへ', 'Next patient'],
  eligibility: ['保険資格', 'Insurance'],
  sourceNow: ['今、センターで確認しました', 'Checked at the centre just now'],
  sourceLastKnown: ['前回（{when}）の情報です', 'From the last check ({when})'],
  sourceNone: ['まだ確認できていません', 'Not checked yet'],
  validityValid: ['有効', 'Valid'],
  validityInvalid: ['無効', 'Not valid'],
  validityNewer: ['無効（新しい資格があります）', 'Not valid (a newer one exists)'],
  validityNone: ['資格がありません', 'No insurance found'],
  validitySeveral: ['複数の資格があります', 'Several found'],
  validityUnregistered: ['有効（未登録）', 'Valid (unregistered)'],
  validityUnknown: ['まだ分かりません', 'Not known yet'],
  changes: ['前回から変わったところ', 'Changed since last time'],
  certificateExpires: [
    'カードの電子証明書があと{n}日で切れます（{when}）。市区町村の窓口での更新をご案内ください。',
    'The certificate on the card expires in {n} days ({when}). Please advise renewal at the municipal office.',
  ],
  revocationUnknown: [
    '証明書の失効は、つながり次第、自動で確認します。',
    'Revocation will be checked when the centre is reachable.',
  ],
  patient: ['患者', 'Patient'],
  patientNumber: ['患者番号', 'Patient number'],
  cardId: ['カードID', 'Card ID'],
  linkLead: [
    '初めてのカードです。患者番号を登録してください。',
    'This card is new. Link it to a patient number.',
  ],
  link: ['登録する', 'Link'],
  linked: ['患者番号を登録しました。', 'The patient number is linked.'],
  attributesTitle: ['新しい患者さんの登録（カードの情報）', 'Register a new patient (from the card)'],
  attributesNote: [
    'カードの発行者の署名を確かめました。この画面だけに出て、どこにも保存しません。',
    'The signature of the card’s issuer was verified. Shown here only, stored nowhere.',
  ],
  attributesMissing: [
    'カードの氏名・住所は読み取れませんでした',
    'Name and address were not read from the card',
  ],
  sexMale: ['男', 'Male'],
  sexFemale: ['女', 'Female'],
  sexNotApplicable: ['適用不能', 'Not applicable'],
  sexUnknown: ['不明', 'Unknown'],
  record: ['記録', 'Record'],
  evidence: ['証跡', 'Evidence'],
  visitRecord: ['受診記録', 'Visit record'],
  delivered: ['送信済み', 'Delivered'],
  recordQueued: ['送信待ち', 'Waiting'],
  recordNone: ['なし', 'None'],
  details: ['くわしく見る', 'Details'],
  personSelf: ['本人', 'Insured'],
  personFamily: ['家族', 'Family'],
  ratio: ['{n}割', '{n}0 %'],
  since: ['{when} から', 'since {when}'],
  until: ['{when} まで', 'until {when}'],
  open: ['未確認の項目', 'Still open'],
  openRevocation: ['証明書の失効', 'Revocation'],
  openEligibility: ['保険資格', 'Insurance'],
  openPatientNumber: ['患者番号', 'Patient number'],

  numberTitle: ['番号で資格を確認', 'Check by insured number'],
  numberLead: [
    'カードを使えないときに、資格確認書の番号で確認します。',
    'For patients without a usable card: enter the numbers of the eligibility certificate.',
  ],
  insurerNumber: ['保険者番号', 'Insurer number'],
  insurerHint: ['8桁（国保は6桁）', '8 digits (6 for national health insurance)'],
  symbol: ['記号', 'Symbol'],
  symbolHint: ['ないときは空のまま', 'Leave empty if there is none'],
  insuredNumber: ['番号', 'Number'],
  branch: ['枝番', 'Branch'],
  branchHint: ['2桁', '2 digits'],
  birthdate: ['生年月日', 'Date of birth'],
  birthdateHint: ['8桁。例 19480315', '8 digits, such as 19480315'],
  patientNumberHint: ['分かるときだけ', 'If known'],
  check: ['確認する', 'Check'],

  todayTitle: ['今日の受付', 'Visits today'],
  todayEmpty: ['今日の受付はまだありません。', 'No visits yet today.'],
  time: ['時刻', 'Time'],
  result: ['結果', 'Result'],
  mode: ['つながり', 'Mode'],
  openVisit: ['開く', 'Open'],
  whatNext: ['次にすること', 'What next'],
  linkNow: ['番号を登録', 'Enter number'],
  unlinked: ['未登録', 'not linked'],
  outcomeAccepted: ['受付', 'Received'],
  outcomeRefused: ['不可', 'Refused'],
  outcomeFailed: ['失敗', 'Failed'],

  unresolvedTitle: ['未確認の受付', 'Unresolved visits'],
  unresolvedLead: [
    'つながり次第、自動で確認します。今すぐ確認することもできます。',
    'These are checked by themselves when possible, or now by hand.',
  ],
  unresolvedEmpty: ['未確認の受付はありません。', 'Nothing is open.'],
  numberKept: [
    '番号は保存しました。もう一度入力しなくても、つながり次第確認します。',
    'The number is kept: it is checked by itself when possible, and need not be typed again.',
  ],
  numberKeptShort: ['番号を保存済み', 'number kept'],
  age: ['経過', 'Age'],
  reason: ['理由', 'Reason'],
  attempts: ['試行', 'Tries'],
  reconcile: ['今すぐ確認', 'Check now'],
  days: ['{n}日', '{n} d'],
  hours: ['{n}時間', '{n} h'],
  minutes: ['{n}分', '{n} min'],
} as const satisfies Readonly<Record<string, Text>>;

export type TextKey = keyof typeof TEXTS;

let language: Language = 'ja';

export function setLanguage(chosen: Language): void {
  language = chosen;
}

export function currentLanguage(): Language {
  return language;
}

const speak = ([ja, en]: Text): string => (language === 'ja' ? ja : en);

/** The text of `key`; `{n}` and `{when}` are filled in. */
export function t(key: TextKey, fill: { readonly n?: number; readonly when?: string } = {}): string {
  return speak(TEXTS[key])
    .replace('{n}', String(fill.n))
    .replace('{when}', fill.when ?? '');
}

export const stepText = (name: TapStepName): string => speak(STEP_NAMES[name]);
export const elementText = (name: string): string => speak(ELEMENT_NAMES[name] ?? [name, name]);
