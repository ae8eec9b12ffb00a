/**
 * Insurers that cannot exist: their prefecture number is 99, and their names say so.
 * Check digits are valid, because everybody who reads a number checks it.
 */
import { computeCheckDigit } from '../eligibility/check-digit.ts';

export interface Insurer {
  readonly number: string;
  readonly name: string;
}

const withCheckDigit = (digits: string): string => `${digits}${computeCheckDigit(digits)}`;

/** 法別 2 + prefecture 2 + insurer 3 + check digit. */
const employees = (law: string, insurer: string, name: string): Insurer => ({
  number: withCheckDigit(`${law}99${insurer}`),
  name,
});

export const INSURERS = {
  association: employees('01', '001', '架空健康保険協会 見本支部'),
  society: employees('06', '012', '見本電機健康保険組合'),
  mutualAid: employees('31', '003', '架空国家公務員共済組合'),
  selfDefence: employees('07', '004', '架空自衛官等'),
  lateElderly: employees('39', '005', '架空県後期高齢者医療広域連合'),
  publicAssistance: employees('12', '006', '見本市福祉事務所'),
  /** 国保: prefecture 2 + insurer 3 + check digit, padded with two spaces. */
  municipal: { number: `  ${withCheckDigit('99007')}`, name: '見本市国民健康保険' },
  otherMunicipal: { number: `  ${withCheckDigit('99008')}`, name: '例示町国民健康保険' },
} as const satisfies Record<string, Insurer>;

export type InsurerKind = keyof typeof INSURERS;

/** 後期高齢 number: 7 digits and a check digit. */
export const lateElderlyNumber = withCheckDigit;
