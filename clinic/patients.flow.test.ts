/** Everybody in the seed who differs from an ordinary patient in one thing, at the counter. @see centre/seed/edge-case.ts */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InsuredNumber, Qualification } from '#contract/centre/eligibility.ts';
import { ERRORS, type ErrorCode } from '#contract/errors.ts';
import type { EligibilityValidity, Visit } from '#contract/visit.ts';
import { makeVisit, type TapReport } from './tap-run.ts';
import { TrialClinic } from './testing/trial-clinic.ts';

let trial: TrialClinic;
beforeAll(async () => {
  trial = await TrialClinic.open();
});
afterAll(() => trial.close());

async function tap(id: string): Promise<TapReport> {
  await trial.place(id);
  return makeVisit(trial.clinic, trial.client);
}

async function accepted(id: string): Promise<Visit> {
  const { visit, outcome, error } = await tap(id);
  expect({ outcome, error }).toEqual({ outcome: 'accepted', error: undefined });
  if (visit === undefined) throw new Error('accepted without a visit');
  return visit;
}

/** 資格確認書: what a person without a card would show, from the seed. */
function insuredNumberOf(id: string, at = 0): InsuredNumber {
  const entry = trial.clinic.cast.seedOf.get(id)?.qualifications[at]?.qualification;
  if (entry === undefined) throw new RangeError(`${id} has no qualification ${at}`);
  return {
    InsurerNumber: entry.InsurerNumber,
    ...(entry.InsuredCardSymbol === undefined ? {} : { InsuredCardSymbol: entry.InsuredCardSymbol }),
    InsuredIdentificationNumber: entry.InsuredIdentificationNumber,
    ...(entry.InsuredBranchNumber === undefined ? {} : { InsuredBranchNumber: entry.InsuredBranchNumber }),
    Birthdate: entry.Birthdate,
  };
}

describe('a certificate that has ended', () => {
  const REFUSED: readonly (readonly [string, string, ErrorCode])[] = [
    ['P0006', 'expired', 'patient.certificate-expired'],
    ['P0007', 'affiliationChanged', 'patient.revoked-affiliation-changed'],
    ['P0008', 'certificateHold', 'patient.revoked-hold'],
    ['P0009', 'superseded, the old card still in use', 'patient.revoked-superseded'],
    ['P0010', 'cessationOfOperation', 'patient.revoked-cessation'],
    ['P0011', 'keyCompromise', 'patient.revoked-key-compromise'],
    ['P0012', 'unspecified', 'patient.revoked-other'],
    ['P0021', 'dead', 'patient.revoked-affiliation-changed'],
  ];

  it.each(REFUSED)(
    '%s (%s) is refused with %s, and nothing of the insurance is shown',
    async (id, _why, code) => {
      const before = trial.clinic.centre.visits.counts().visits;
      const { outcome, error, visit } = await tap(id);
      expect({ outcome, error }).toEqual({ outcome: 'refused', error: code });
      expect(visit).toMatchObject({
        eligibility: { validity: 'unknown', source: 'none', results: [] },
        visitRecord: 'none',
        unresolved: [],
      });
      expect(trial.clinic.centre.visits.counts().visits).toBe(before);
    },
  );

  it('each reason has a text of its own in both languages', () => {
    const codes = [...new Set(REFUSED.map(([, , code]) => code))];
    for (const language of ['ja', 'en'] as const) {
      expect(
        new Set(codes.map((code) => `${ERRORS[code][language].title} ${ERRORS[code][language].next}`)).size,
      ).toBe(codes.length);
    }
  });

  it('without the card the same person is helped by the insured number', async () => {
    const visit = await trial.client.visitByInsuredNumber(insuredNumberOf('P0009'), '900009');
    expect(visit).toMatchObject({
      outcome: 'accepted',
      identifiedBy: 'insured-number',
      patientNumber: '900009',
      eligibility: { validity: 'valid', source: 'now' },
    });
    expect(visit.cardId).toBeUndefined();
  });
});

describe('insurance', () => {
  const INSURED: readonly (readonly [string, string, EligibilityValidity, Partial<Qualification>[]])[] = [
    [
      'P0001',
      '協会けんぽ, 本人',
      'valid',
      [{ PersonalFamilyClassification: '1', InsuredPartialContributionRatio: '030' }],
    ],
    ['P0002', '組合, 家族', 'valid', [{ PersonalFamilyClassification: '2', InsuredName: '見本　本人' }]],
    ['P0003', '国保', 'valid', [{ InsuredBranchNumber: '01' }]],
    ['P0004', '後期高齢, 1割', 'valid', [{ InsuredPartialContributionRatio: '010' }]],
    ['P0005', '後期高齢, 3割', 'valid', [{ InsuredPartialContributionRatio: '030' }]],
    ['P0013', 'none', 'none', []],
    ['P0014', 'two results', 'several', [{}, {}]],
    ['P0015', 'renewed certificate, two serials', 'valid', [{}]],
    ['P0016', 'child without signing certificate', 'valid', [{ PersonalFamilyClassification: '2' }]],
    ['P0017', 'infant', 'valid', [{ InsuredPartialContributionRatio: '020' }]],
    ['P0019', 'moved on to a newer qualification', 'valid', [{}]],
    ['P0020', 'lost, nothing new', 'invalid', [{ ReasonOfLoss: '99' }]],
    ['P0022', '高齢受給者', 'valid', [{ InsuredPartialContributionRatio: '020' }]],
    ['P0023', '医療扶助, not yet registered', 'unregistered', [{ InsuredCardClassification: 'A1' }]],
    ['P0024', '医療扶助', 'valid', [{ InsuredCardClassification: 'A1' }]],
    ['P0025', 'short-term certificate', 'valid', [{ InsuredCardClassification: '03' }]],
    ['P0026', 'full-width 記号・番号', 'valid', [{ InsuredCardSymbol: '架空・Ａ１' }]],
    ['P0030', 'card not linked', 'none', []],
    ['P0031', 'very long name, sex not set', 'valid', [{ Sex1: '3' }]],
    ['P0032', '自衛官', 'valid', [{ InsuredCardClassification: '07' }]],
    ['P0033', 'signing certificate ended by a move', 'valid', [{}]],
    ['P0034', '共済', 'valid', [{}]],
  ];

  it.each(INSURED)('%s (%s): %s', async (id, _what, validity, results) => {
    const { eligibility, certificate } = await accepted(id);
    expect(eligibility).toMatchObject({ validity, source: 'now' });
    expect(certificate).toMatchObject({ revocation: 'good' });
    expect(eligibility.results).toMatchObject(results);
  });

  it('the old number of P0019 says that a newer one exists elsewhere', async () => {
    const { eligibility } = await trial.client.visitByInsuredNumber(insuredNumberOf('P0019', 0));
    expect(eligibility).toMatchObject({ validity: 'invalid-newer-exists', source: 'now' });
    expect(eligibility.results).toMatchObject([{ ReasonOfLoss: '03' }]);
  });

  it('who has a card that is not linked is helped by the number', async () => {
    const { cardId = '' } = await accepted('P0030');
    await trial.client.link(cardId, '900030');
    const visit = await trial.client.visitByInsuredNumber(insuredNumberOf('P0030'), '900030');
    expect(visit.eligibility).toMatchObject({ validity: 'valid', source: 'now' });
  });

  it('a mistyped number is caught by its check digit before anybody is asked', async () => {
    const insured = insuredNumberOf('P0001');
    const wrong = (Number(insured.InsurerNumber.at(-1)) + 1) % 10;
    const InsurerNumber = `${insured.InsurerNumber.slice(0, -1)}${wrong}`;
    await expect(trial.client.visitByInsuredNumber({ ...insured, InsurerNumber })).rejects.toMatchObject({
      status: 422,
      code: 'insured-number.check-digit',
      problem: { field: expect.stringContaining('InsurerNumber') },
    });
  });

  it('the limit certificate is shown only to who asked the patient for it', async () => {
    expect((await accepted('P0018')).eligibility.results).toMatchObject([{}]);
    for (const result of (await accepted('P0018')).eligibility.results) {
      expect(result.LimitApplicationCertificateRelatedInfo).toBeUndefined();
    }
    const { client } = trial;
    const { tapId } = await client.startTap({ includeLimitInfo: true });
    await client.consent(tapId, 'ok');
    await client.waitForTap(tapId, 10_000);
    const visit = await client.faceCheck(tapId, 'printed-photo', 'match');
    expect(visit.eligibility.results).toMatchObject([
      { LimitApplicationCertificateRelatedInfo: { LimitApplicationCertificateClassificationFlag: 'A03' } },
    ]);
  });
});

describe('the card', () => {
  it('P0027: a card of the next generation (P-384) gets a K ID from the SAM, the same each time', async () => {
    const first = await accepted('P0027');
    expect(first.cardId).toMatch(/^K\d-/);
    expect(first.alternateCardId).toBeUndefined();
    expect((await accepted('P0027')).cardId).toBe(first.cardId);
  });

  it('P0028: the older authority is trusted as well', async () => {
    const { certificate, eligibility } = await accepted('P0028');
    expect({ certificate, eligibility }).toMatchObject({
      certificate: { revocation: 'good' },
      eligibility: { validity: 'valid' },
    });
  });

  it('P0029: a certificate that ends within 90 days is told, one that does not is not', async () => {
    const { certificate } = await accepted('P0029');
    expect(certificate?.expiresInDays).toBeGreaterThanOrEqual(44);
    expect(certificate?.expiresInDays).toBeLessThanOrEqual(46);
    expect((await accepted('mihon-taro')).certificate?.expiresInDays).toBeUndefined();
  });

  it('nobody shares an ID with anybody', async () => {
    const ids = new Set<string>();
    for (const id of ['P0001', 'P0002', 'P0003', 'P0027', 'mihon-taro', 'mihon-hanako', 'shiken-mirai']) {
      const { cardId } = await accepted(id);
      ids.add(cardId ?? '');
    }
    expect(ids.size).toBe(7);
  });

  it('two cards of one patient lead to one patient number', async () => {
    const old = await accepted('P0032');
    const renewed = await accepted('P0034');
    await trial.client.link(old.cardId ?? '', '900032');
    await trial.client.link(renewed.cardId ?? '', '900032');
    expect(await accepted('P0032')).toMatchObject({ patientNumber: '900032' });
    expect(await accepted('P0034')).toMatchObject({ patientNumber: '900032' });
  });

  it('a phone is received like a card, without the photo that it does not have', async () => {
    const phones = [...trial.clinic.wallet].filter(([, { person }]) =>
      ['android', 'iphone'].includes(person.variant),
    );
    expect(phones.length).toBeGreaterThan(0);
    for (const [id] of phones) expect((await accepted(id)).cardId).toMatch(/^[RK]\d-/);
  });
});

it('after all of them the evidence verifies, each with the card’s own signature', async () => {
  const { ok, firstProblem, visitsUnstamped, proofsVerified } = await trial.verifyEvidence();
  expect({ ok, firstProblem, visitsUnstamped }).toEqual({
    ok: true,
    firstProblem: undefined,
    visitsUnstamped: 0,
  });
  expect(proofsVerified).toBeGreaterThan(35);
});
