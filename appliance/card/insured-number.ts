/**
 * Form and check digits of 保険者番号, 記号, 番号 and 枝番 as they stand on a 資格確認書.
 * @see docs/protocol-facts.md 4.1; 国保 numbers have 6 digits and come left-padded with spaces
 */
import type { InsuredNumber } from '#contract/centre/eligibility.ts';
import { type ErrorCode, SekishoError } from '#contract/errors.ts';

/** 法別番号 of 後期高齢. */
const LATE_ELDERLY = '39';

/** Throws `insured-number.malformed` or `insured-number.check-digit` with the official element name as `field`. */
export function checkInsuredNumber(insured: InsuredNumber): void {
  const insurer = insured.InsurerNumber.trimStart();
  checkInsurerNumber(insured.InsurerNumber, insurer);
  const isLateElderly = insurer.length === 8 && insurer.startsWith(LATE_ELDERLY);
  if (isLateElderly) checkLateElderly(insured);
  else if (!hasText(insured.InsuredIdentificationNumber)) throw malformed('InsuredIdentificationNumber');
  if (insured.InsuredBranchNumber !== undefined && !/^\d{2}$/.test(insured.InsuredBranchNumber)) {
    throw malformed('InsuredBranchNumber');
  }
  if (!isCalendarDate(insured.Birthdate)) throw malformed('Birthdate');
}

function checkInsurerNumber(asSent: string, insurer: string): void {
  const field = 'InsurerNumber';
  if (!/^(\d{8}| {2}\d{6})$/.test(asSent)) throw malformed(field);
  // 法別 00 does not exist: this is a 国保 number padded with zeros instead of spaces.
  if (insurer.startsWith('00') && insurer.length === 8) throw malformed(field);
  if (!hasCheckDigit(insurer)) throw problem('insured-number.check-digit', field);
}

/** 後期高齢: no 記号, no 枝番, and a 番号 of 8 digits that has a check digit of its own. */
function checkLateElderly(insured: InsuredNumber): void {
  const field = 'InsuredIdentificationNumber';
  if (insured.InsuredCardSymbol !== undefined) throw malformed('InsuredCardSymbol');
  if (insured.InsuredBranchNumber !== undefined) throw malformed('InsuredBranchNumber');
  if (!/^\d{8}$/.test(insured.InsuredIdentificationNumber)) throw malformed(field);
  if (!hasCheckDigit(insured.InsuredIdentificationNumber)) throw problem('insured-number.check-digit', field);
}

/** Weights 2, 1, 2, 1 … from the digit left of the check digit; the digits of each product are added up. */
function hasCheckDigit(digits: string): boolean {
  const sum = [...digits.slice(0, -1)].reverse().reduce((total, character, index) => {
    const product = Number(character) * (index % 2 === 0 ? 2 : 1);
    return total + Math.floor(product / 10) + (product % 10);
  }, 0);
  return (10 - (sum % 10)) % 10 === Number(digits.at(-1));
}

function hasText(value: string): boolean {
  return value.trim().length > 0;
}

function isCalendarDate(compact: string): boolean {
  if (!/^\d{8}$/.test(compact)) return false;
  const iso = `${compact.slice(0, 4)}-${compact.slice(4, 6)}-${compact.slice(6)}`;
  const date = new Date(`${iso}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(iso);
}

function malformed(field: string): SekishoError {
  return problem('insured-number.malformed', field);
}

function problem(code: ErrorCode, field: string): SekishoError {
  return new SekishoError(code, { field });
}
