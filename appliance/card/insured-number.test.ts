import { describe, expect, it } from 'vitest';
import type { InsuredNumber } from '#contract/centre/eligibility.ts';
import { checkInsuredNumber } from './insured-number.ts';

const employee: InsuredNumber = {
  InsurerNumber: '06110829',
  InsuredCardSymbol: '123',
  InsuredIdentificationNumber: '4567',
  InsuredBranchNumber: '01',
  Birthdate: '19800217',
};
const elderly: InsuredNumber = {
  InsurerNumber: '39131156',
  InsuredIdentificationNumber: '01234566',
  Birthdate: '19400101',
};

const refusal = (insured: InsuredNumber): unknown => {
  try {
    checkInsuredNumber(insured);
    return undefined;
  } catch (thrown) {
    const { code, field } = thrown as { code: string; field: string };
    return { code, field };
  }
};

describe('insured number', () => {
  it.each(['33120015', '06110829', '  138057'])('accepts insurer %j', (InsurerNumber) => {
    expect(refusal({ ...employee, InsurerNumber })).toBeUndefined();
  });

  it('notices every single wrong digit of an insurer number', () => {
    for (let at = 0; at < 8; at++) {
      for (const digit of '0123456789') {
        const InsurerNumber =
          employee.InsurerNumber.slice(0, at) + digit + employee.InsurerNumber.slice(at + 1);
        if (InsurerNumber === employee.InsurerNumber || /^(00|39)/.test(InsurerNumber)) continue;
        const field = 'InsurerNumber';
        expect(refusal({ ...employee, InsurerNumber })).toEqual({
          code: 'insured-number.check-digit',
          field,
        });
      }
    }
  });

  it.each(['0611082', '00138057', 'A6110829', '   13805', ' 6110829'])(
    'refuses insurer %j by its form or check digit',
    (InsurerNumber) => {
      expect(refusal({ ...employee, InsurerNumber })).toMatchObject({ field: 'InsurerNumber' });
    },
  );

  it('knows the number of the late elderly: 8 digits with a check digit, no symbol, no branch', () => {
    const malformed = 'insured-number.malformed';
    expect(refusal(elderly)).toBeUndefined();
    const field = 'InsuredIdentificationNumber';
    expect(refusal({ ...elderly, [field]: '01234565' })).toEqual({
      code: 'insured-number.check-digit',
      field,
    });
    expect(refusal({ ...elderly, [field]: '0123456' })).toEqual({ code: malformed, field });
    expect(refusal({ ...elderly, InsuredCardSymbol: '1' })).toEqual({
      code: malformed,
      field: 'InsuredCardSymbol',
    });
    expect(refusal({ ...elderly, InsuredBranchNumber: '01' })).toEqual({
      code: malformed,
      field: 'InsuredBranchNumber',
    });
  });

  it.each([
    ['InsuredBranchNumber', '1'],
    ['InsuredIdentificationNumber', '   '],
    ['Birthdate', '19800231'],
    ['Birthdate', '1980021'],
  ] as const)('refuses %s %j', (field, value) => {
    expect(refusal({ ...employee, [field]: value })).toEqual({ code: 'insured-number.malformed', field });
  });
});
