/**
 * Messages with the eligibility service (オンライン資格確認). Field names and codes are the official XML
 * element names (docs/protocol-facts.md: 別紙3-1 XMLレイアウト as public clients show them), in JSON.
 */
import { z } from 'zod';
import { Base64, CompactDate, Instant, InstitutionCode } from './wire.ts';

/** 1 有効 2 無効 3 無効(新しい資格あり) 4 該当資格なし 5 複数該当 6 有効(未登録). */
export const QualificationValidity = z.enum(['1', '2', '3', '4', '5', '6']);
export type QualificationValidity = z.infer<typeof QualificationValidity>;

export const InsuredNumber = z.strictObject({
  /** 保険者番号: 8 characters, 国保 6 digits left-padded with spaces. */
  InsurerNumber: z.string().regex(/^(\d{8}| {2}\d{6})$/),
  /** 記号; absent for 後期高齢 (法別 39). */
  InsuredCardSymbol: z.string().max(20).optional(),
  /** 番号 */
  InsuredIdentificationNumber: z.string().min(1).max(20),
  /** 枝番 */
  InsuredBranchNumber: z
    .string()
    .regex(/^\d{2}$/)
    .optional(),
  Birthdate: CompactDate,
});
export type InsuredNumber = z.infer<typeof InsuredNumber>;

/** POST /v1/eligibility/by-certificate */
export const EligibilityByCertificate = z.strictObject({
  MedicalInstitutionCode: InstitutionCode,
  /** 利用者証明用 certificate, DER. The serial goes nowhere else. */
  certificate: Base64,
  /**
   * The whole tap transcript (`docs/sam-profile.md` 4.6, "SEKISHO-TAP-1" ‖ …) and the card's signature: over its SHA-256
   * (RSA), or over the SHA-384 of its SHA-256 (P-384). The lookup needs a card that is present, not a number.
   */
  proof: z.strictObject({ message: Base64, signature: Base64 }),
  LimitApplicationCertificateRelatedConsFlg: z.enum(['0', '1']),
  ArbitraryIdentifier: z.string().max(64),
});
export type EligibilityByCertificate = z.infer<typeof EligibilityByCertificate>;

/** POST /v1/eligibility/by-insured-number */
export const EligibilityByInsuredNumber = InsuredNumber.extend({
  MedicalInstitutionCode: InstitutionCode,
  LimitApplicationCertificateRelatedConsFlg: z.enum(['0', '1']),
  ArbitraryIdentifier: z.string().max(64),
});
export type EligibilityByInsuredNumber = z.infer<typeof EligibilityByInsuredNumber>;

export const Qualification = z.strictObject({
  /** 01 一般 02 退職 03 短期 04 短期退職 05 資格証明書 06 特例退職 07 自衛官 A1 医療扶助 */
  InsuredCardClassification: z.enum(['01', '02', '03', '04', '05', '06', '07', 'A1']),
  InsurerNumber: z.string(),
  InsurerName: z.string(),
  InsuredCardSymbol: z.string().optional(),
  InsuredIdentificationNumber: z.string(),
  InsuredBranchNumber: z.string().optional(),
  /** 1 本人 2 家族 */
  PersonalFamilyClassification: z.enum(['1', '2']),
  InsuredName: z.string().optional(),
  Name: z.string(),
  NameKana: z.string(),
  /** 1 男 2 女 3 未設定 */
  Sex1: z.enum(['1', '2', '3']),
  Birthdate: CompactDate,
  Address: z.string(),
  PostNumber: z.string(),
  QualificationDate: CompactDate,
  DisqualificationDate: CompactDate.optional(),
  InsuredCertificateIssuanceDate: CompactDate.optional(),
  InsuredCardExpirationDate: CompactDate.optional(),
  /** "030" = 3割 */
  InsuredPartialContributionRatio: z
    .string()
    .regex(/^\d{3}$/)
    .optional(),
  /** 01 死亡 02 生保 03 他資格 99 その他 */
  ReasonOfLoss: z.enum(['01', '02', '03', '99']).optional(),
  ElderlyRecipientCertificateInfo: z
    .strictObject({
      ElderlyRecipientCertificateDate: CompactDate,
      ElderlyRecipientValidStartDate: CompactDate,
      ElderlyRecipientValidEndDate: CompactDate,
      ElderlyRecipientContributionRatio: z.string(),
    })
    .optional(),
  LimitApplicationCertificateRelatedInfo: z
    .strictObject({
      LimitApplicationCertificateClassification: z.enum(['01', '02', '03']),
      LimitApplicationCertificateClassificationFlag: z.string().regex(/^[AB](0[1-9]|10)$/),
      LimitApplicationCertificateDate: CompactDate,
      LimitApplicationCertificateValidStartDate: CompactDate,
      LimitApplicationCertificateValidEndDate: CompactDate,
    })
    .optional(),
});
export type Qualification = z.infer<typeof Qualification>;

/** The answer to both questions. */
export const EligibilityAnswer = z.strictObject({
  ProcessExecutionTime: z.string().regex(/^\d{14}$/),
  QualificationConfirmationDate: CompactDate,
  MedicalInstitutionCode: InstitutionCode,
  ArbitraryIdentifier: z.string(),
  /** 1 正常 2 処理中 9 異常 */
  SegmentOfResult: z.enum(['1', '2', '9']),
  /** 1 正常 2 エラー */
  ProcessingResultStatus: z.enum(['1', '2']),
  ProcessingResultCode: z.string().optional(),
  ProcessingResultMessage: z.string().optional(),
  /** 1 My Number card 2 被保険者証情報 */
  ReferenceClassification: z.enum(['1', '2']),
  QualificationValidity: QualificationValidity,
  ResultList: z.array(Qualification).max(10),
  /** When the qualification last changed at the insurer; the appliance compares it with its last known state. */
  changedAt: Instant.optional(),
});
export type EligibilityAnswer = z.infer<typeof EligibilityAnswer>;
