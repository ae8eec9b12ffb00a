import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { answerJson } from './testdata/scripted-service.ts';
import { clientOf, failure, region, serve, tidy } from './testdata/test-bench.ts';

afterEach(tidy);
afterAll(() => region.remove());

describe('eligibility', () => {
  const question = {
    MedicalInstitutionCode: '1312345678',
    InsurerNumber: '06110829',
    InsuredIdentificationNumber: '1',
    Birthdate: '19800101',
    LimitApplicationCertificateRelatedConsFlg: '0' as const,
    ArbitraryIdentifier: 'q1',
  };
  const answer = {
    ProcessExecutionTime: '20260601120000',
    QualificationConfirmationDate: '20260601',
    MedicalInstitutionCode: '1312345678',
    ArbitraryIdentifier: 'q1',
    SegmentOfResult: '1',
    ProcessingResultStatus: '1',
    ReferenceClassification: '2',
    QualificationValidity: '4',
    ResultList: [],
  };

  async function ask(more: object) {
    const service = await serve((_, response) => answerJson(response, 200, { ...answer, ...more }));
    const centre = clientOf(service.url);
    return { centre, asked: centre.eligibility.byInsuredNumber(question) };
  }

  test('answers come through as they are', async () => {
    expect(await (await ask({})).asked).toEqual(answer);
  });

  test.each([
    [{ ProcessingResultStatus: '2', ProcessingResultCode: 'E1' }, 'eligibility.processing-error', true],
    [{ SegmentOfResult: '9' }, 'eligibility.processing-error', true],
    [{ SegmentOfResult: '2' }, 'eligibility.unavailable', true],
    [{ ArbitraryIdentifier: 'q2' }, 'centre.garbled', false],
    [{ MedicalInstitutionCode: '1300000000' }, 'centre.garbled', false],
    [{ ReferenceClassification: '1' }, 'centre.garbled', false],
  ])('%o is %s', async (more, code, healthy) => {
    const { centre, asked } = await ask(more);
    expect((await failure(asked)).code).toBe(code);
    expect(centre.health().eligibility).toBe(healthy);
  });
});
