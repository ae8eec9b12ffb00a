import { describe, expect, test } from 'vitest';
import type { EligibilityAnswer, Qualification } from '#contract/centre/eligibility.ts';
import { checkHolder } from './holder-check.ts';
import { sampleQualification } from './testdata/scripted-centre.ts';

const TARO = { birthDate: '19800217', sex: 'male' } as const;

function answerWith(...results: Partial<Qualification>[]): EligibilityAnswer {
  return {
    ProcessExecutionTime: '20261120090000',
    QualificationConfirmationDate: '20261120',
    MedicalInstitutionCode: '1310000001',
    ArbitraryIdentifier: 'tap',
    SegmentOfResult: '1',
    ProcessingResultStatus: '1',
    ReferenceClassification: '1',
    QualificationValidity: '1',
    ResultList: results.map((result) => sampleQualification(result)),
  };
}

describe('the holder on the card and in the insurance', () => {
  test.each([
    ['the same', {}, {}, 'same'],
    ['another day', {}, { Birthdate: '19800218' }, 'different'],
    ['another year', {}, { Birthdate: '19810217' }, 'different'],
    ['another sex', {}, { Sex1: '2' }, 'different'],
    ['a sex that the insurance does not have', {}, { Sex1: '3' }, 'same'],
    ['a sex that the card does not have', { sex: 'unknown' }, { Sex1: '2' }, 'same'],
    ['a sex that does not apply', { sex: 'not-applicable' }, { Sex1: '1' }, 'same'],
    ['a day that the card does not know', { birthDate: '19800200' }, {}, 'same'],
    ['a month and day that the insurance does not know', {}, { Birthdate: '19800000' }, 'same'],
    ['a known year beside an unknown day', { birthDate: '19810200' }, {}, 'different'],
  ] as const)('%s', (_, holder, result, expected) => {
    expect(checkHolder({ ...TARO, ...holder }, answerWith(result))).toBe(expected);
  });

  test('one of several results for somebody else is one too many', () => {
    expect(checkHolder(TARO, answerWith({}, {}))).toBe('same');
    expect(checkHolder(TARO, answerWith({}, { Birthdate: '19550101' }))).toBe('different');
  });

  test('are not compared when one side is missing', () => {
    expect(checkHolder(undefined, answerWith({}))).toBe('not-compared');
    expect(checkHolder(TARO, undefined)).toBe('not-compared');
    expect(checkHolder(TARO, answerWith())).toBe('not-compared');
  });
});
