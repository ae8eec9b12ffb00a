import { describe, expect, test } from 'vitest';
import type { EligibilityAnswer } from '#contract/centre/eligibility.ts';
import { SekishoError } from '#contract/errors.ts';
import { askEligibility, listChanges, viewEligibility } from './eligibility-check.ts';
import { sampleQualification } from './testdata/scripted-centre.ts';

function answer(more: Partial<EligibilityAnswer> = {}): EligibilityAnswer {
  return {
    ProcessExecutionTime: '20261120090000',
    QualificationConfirmationDate: '20261120',
    MedicalInstitutionCode: '9910000017',
    ArbitraryIdentifier: 'x',
    SegmentOfResult: '1',
    ProcessingResultStatus: '1',
    ReferenceClassification: '1',
    QualificationValidity: '1',
    ResultList: [sampleQualification()],
    ...more,
  };
}

describe('changes since last time', () => {
  test('are none the first time, and none when only the question differs', () => {
    expect(listChanges(undefined, answer())).toEqual([]);
    const later = answer({ ArbitraryIdentifier: 'y', ProcessExecutionTime: '20261121090000' });
    expect(listChanges(answer(), later)).toEqual([]);
  });

  test('name elements that differ, came or went, in every result', () => {
    const before = answer({ ResultList: [sampleQualification({ InsuredBranchNumber: '01' })] });
    const { InsuredBranchNumber: _, ...without } = sampleQualification();
    const after = answer({
      QualificationValidity: '5',
      ResultList: [without, sampleQualification({ InsurerNumber: '06130009' })],
    });
    const changes = listChanges(before, after);
    expect(changes).toEqual([...changes].sort());
    expect(changes).toEqual(
      expect.arrayContaining(['InsuredBranchNumber', 'QualificationValidity', 'ResultList', 'Name']),
    );
    expect(listChanges(after, answer({ ResultList: [] }))).toContain('ResultList');
  });

  test('look into nested elements', () => {
    const info = (ratio: string) => ({
      ElderlyRecipientCertificateDate: '20260401',
      ElderlyRecipientValidStartDate: '20260401',
      ElderlyRecipientValidEndDate: '20270331',
      ElderlyRecipientContributionRatio: ratio,
    });
    const with2 = answer({
      ResultList: [sampleQualification({ ElderlyRecipientCertificateInfo: info('020') })],
    });
    const with3 = answer({
      ResultList: [sampleQualification({ ElderlyRecipientCertificateInfo: info('030') })],
    });
    expect(listChanges(with2, with3)).toEqual(['ElderlyRecipientCertificateInfo']);
    expect(listChanges(with2, with2)).toEqual([]);
  });
});

test('not getting an answer is an answer; what is no error of ours is a bug', async () => {
  const ask = (thrown: unknown) =>
    askEligibility(
      () => Promise.reject(thrown),
      () => 5,
    );
  expect(await ask(new SekishoError('centre.timeout'))).toEqual({ unavailable: 'centre.timeout' });
  expect(await ask(new TypeError('x'))).toEqual({ unavailable: 'internal.bug' });
  expect(
    await askEligibility(
      async () => answer(),
      () => 5,
    ),
  ).toMatchObject({ checkedAtMs: 5 });
});

test.each([
  ['1', 'valid'],
  ['2', 'invalid'],
  ['3', 'invalid-newer-exists'],
  ['4', 'none'],
  ['5', 'several'],
  ['6', 'unregistered'],
] as const)('QualificationValidity %s is shown as %s', (code, validity) => {
  const fresh = { answer: answer({ QualificationValidity: code }), checkedAtMs: 0 };
  expect(viewEligibility(fresh, undefined)).toMatchObject({ validity, source: 'now' });
  expect(viewEligibility({ unavailable: 'centre.timeout' }, fresh)).toMatchObject({
    validity,
    source: 'last-known',
    reason: 'centre.timeout',
    checkedAt: '1970-01-01T00:00:00.000Z',
    changes: [],
  });
});
