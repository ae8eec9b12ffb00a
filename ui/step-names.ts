/** The steps of a tap in both languages. */
import type { TapStepName } from '#contract/snapshot.ts';

type Text = readonly [ja: string, en: string];

export const STEP_NAMES: Readonly<Record<TapStepName, Text>> = {
  'find-card': ['カードを見つける', 'Find the card'],
  'select-application': ['認証アプリを開く', 'Open the authentication application'],
  'sam-sign': ['SAM が署名する', 'The SAM signs'],
  'read-certificate': ['電子証明書を読む', 'Read the certificate'],
  'organisation-authentication': ['カードが医療機関を確かめる', 'The card checks the clinic'],
  'card-signature-id': ['カードの署名（カードID）', 'The card signs (card ID)'],
  'card-signature-tap': ['カードの署名（今回の受付）', 'The card signs (this visit)'],
  'verify-certificate': ['電子証明書を検証する', 'Verify the certificate'],
  revocation: ['失効していないか確かめる', 'Check revocation'],
  'card-id': ['カードIDを求める', 'Derive the card ID'],
  photo: ['写真を読む', 'Read the photo'],
  attributes: ['氏名などを読む', 'Read name and address'],
  'face-check': ['本人を確かめる', 'Check the face'],
  eligibility: ['保険資格を確かめる', 'Check the insurance'],
  evidence: ['記録を保存する', 'Save the evidence'],
};
