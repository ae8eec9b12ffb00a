/** The documented people: each differs from an ordinary person in one thing that the system must get right. */
import { fifthBirthdayMs } from '../pki/jpki.ts';
import { addDays, dayStartMs, toInstant } from './calendar.ts';
import { type Draft, draftCertificate, draftPerson, draftQualification } from './draft.ts';
import type { InsurerKind } from './insurer.ts';
import type { Person, PersonCertificate } from './person.ts';

type Entry = Person['qualifications'][number];
type QualificationChange = Partial<Entry['qualification']>;

export interface EdgeCase {
  readonly edgeCase: string;
  readonly ageYears?: number;
  readonly change: (draft: Draft) => Person;
}

const insuredBy =
  (kind: InsurerKind, change: QualificationChange = {}, unregistered = false) =>
  (draft: Draft): Person => {
    const { qualification } = draftQualification(draft, kind);
    return {
      ...draft.person,
      qualifications: [{ unregistered, qualification: { ...qualification, ...change } }],
    };
  };

function withCertificate(draft: Draft, change: Partial<PersonCertificate>): Person {
  const { person } = draft;
  return {
    ...person,
    certificates: person.certificates.map((certificate) => ({ ...certificate, ...change })),
  };
}

/** Resident-register events end both certificates, the others too; a name change would end the signing one only. */
const revoked =
  (status: Exclude<PersonCertificate['status'], 'good'>) =>
  (draft: Draft): Person => {
    const end = { status, revokedAt: toInstant(dayStartMs(addDays(draft.asOf, -10))) };
    const person = withCertificate(draft, end);
    const signing = person.signingCertificate;
    return signing === undefined ? person : { ...person, signingCertificate: { ...signing, ...end } };
  };

/** A certificate whose fifth birthday lies `days` after the day of the seed (before it when negative). */
const endingIn =
  (days: number) =>
  (draft: Draft): Person => {
    const { person, asOf } = draft;
    const end = addDays(asOf, days);
    const birthDate = `${person.birthDate.slice(0, 4)}${end.slice(4) === '0229' ? '0228' : end.slice(4)}`;
    const issuedOn = `${Number(end.slice(0, 4)) - 5}${birthDate.slice(4)}`;
    const notBeforeMs = dayStartMs(addDays(issuedOn, 1));
    const dates = {
      notBefore: toInstant(notBeforeMs),
      notAfter: toInstant(fifthBirthdayMs(birthDate, notBeforeMs)),
    };
    const qualifications = person.qualifications.map((entry) => ({
      ...entry,
      qualification: { ...entry.qualification, Birthdate: birthDate },
    }));
    const signing = person.signingCertificate;
    const changed = {
      ...person,
      birthDate,
      qualifications,
      ...(signing === undefined ? {} : { signingCertificate: { ...signing, ...dates } }),
    };
    return withCertificate({ ...draft, person: changed }, dates);
  };

const lost = (draft: Draft, kind: InsurerKind, reason: '01' | '02' | '03' | '99', daysAgo: number): Entry => {
  const { qualification } = draftQualification(draft, kind);
  const DisqualificationDate = addDays(draft.asOf, -daysAgo);
  return {
    unregistered: false,
    qualification: { ...qualification, DisqualificationDate, ReasonOfLoss: reason },
  };
};

const acquired = (draft: Draft, kind: InsurerKind, daysAgo: number): Entry => {
  const { qualification } = draftQualification(draft, kind);
  return {
    unregistered: false,
    qualification: { ...qualification, QualificationDate: addDays(draft.asOf, -daysAgo) },
  };
};

function renewed(draft: Draft): Person {
  const { person, asOf } = draft;
  const [old] = person.certificates;
  const issuedOn = addDays(asOf, -5);
  const end = { status: 'superseded', revokedAt: toInstant(dayStartMs(issuedOn)) } as const;
  const fresh = draftCertificate(`${person.id} renewed`, person.birthDate, issuedOn);
  return { ...person, certificates: [...(old === undefined ? [] : [{ ...old, ...end }]), fresh] };
}

const limitCertificate = (asOf: string, classification: '01' | '02', flag: string): QualificationChange => ({
  LimitApplicationCertificateRelatedInfo: {
    LimitApplicationCertificateClassification: classification,
    LimitApplicationCertificateClassificationFlag: flag,
    LimitApplicationCertificateDate: addDays(asOf, -60),
    LimitApplicationCertificateValidStartDate: addDays(asOf, -60),
    LimitApplicationCertificateValidEndDate: addDays(asOf, 300),
  },
});

/** In the order of their ids, from P0001; `README.md` tells what each one must lead to. */
export const EDGE_CASES: readonly EdgeCase[] = [
  {
    edgeCase: 'ordinary, 協会けんぽ, insured person',
    ageYears: 38,
    change: insuredBy('association', { PersonalFamilyClassification: '1' }),
  },
  {
    edgeCase: 'ordinary, 組合, family member',
    ageYears: 34,
    change: insuredBy('society', {
      PersonalFamilyClassification: '2',
      InsuredName: '見本　本人',
      InsuredBranchNumber: '01',
    }),
  },
  { edgeCase: '国保, six-digit insurer number', ageYears: 52, change: insuredBy('municipal') },
  { edgeCase: '後期高齢, 1割', ageYears: 83, change: insuredBy('lateElderly') },
  {
    edgeCase: '後期高齢, 3割, limit certificate',
    ageYears: 79,
    change: (draft) =>
      insuredBy('lateElderly', {
        InsuredPartialContributionRatio: '030',
        ...limitCertificate(draft.asOf, '01', 'B02'),
      })(draft),
  },
  { edgeCase: 'certificate expired', ageYears: 45, change: endingIn(-40) },
  { edgeCase: 'revoked: affiliationChanged', ageYears: 41, change: revoked('affiliationChanged') },
  { edgeCase: 'revoked: certificateHold', ageYears: 29, change: revoked('certificateHold') },
  { edgeCase: 'revoked: superseded, old card still in use', ageYears: 47, change: revoked('superseded') },
  { edgeCase: 'revoked: cessationOfOperation', ageYears: 58, change: revoked('cessationOfOperation') },
  { edgeCase: 'revoked: keyCompromise', ageYears: 33, change: revoked('keyCompromise') },
  { edgeCase: 'revoked: unspecified', ageYears: 36, change: revoked('unspecified') },
  { edgeCase: 'no insurance', ageYears: 27, change: ({ person }) => ({ ...person, qualifications: [] }) },
  {
    edgeCase: 'two results',
    ageYears: 40,
    change: (draft) => ({
      ...draft.person,
      qualifications: [draftQualification(draft, 'society'), draftQualification(draft, 'municipal')],
    }),
  },
  { edgeCase: 'renewed certificate, two serials', ageYears: 44, change: renewed },
  {
    edgeCase: 'child under 15, no signing certificate',
    ageYears: 9,
    change: insuredBy('association', { PersonalFamilyClassification: '2' }),
  },
  { edgeCase: 'infant', ageYears: 1, change: insuredBy('municipal') },
  {
    edgeCase: 'limit certificate 区分ウ',
    ageYears: 55,
    change: (draft) => insuredBy('association', limitCertificate(draft.asOf, '01', 'A03'))(draft),
  },
  {
    edgeCase: 'newer qualification elsewhere',
    ageYears: 31,
    change: (draft) => ({
      ...draft.person,
      qualifications: [lost(draft, 'society', '03', 60), acquired(draft, 'municipal', 60)],
    }),
  },
  {
    edgeCase: 'qualification lost, nothing new',
    ageYears: 42,
    change: (draft) => ({ ...draft.person, qualifications: [lost(draft, 'association', '99', 30)] }),
  },
  {
    edgeCase: 'dead: lost by death, certificates ended',
    ageYears: 88,
    change: (draft) => ({
      ...revoked('affiliationChanged')(draft),
      qualifications: [lost(draft, 'lateElderly', '01', 12)],
    }),
  },
  { edgeCase: '高齢受給者, 2割', ageYears: 72, change: insuredBy('municipal') },
  {
    edgeCase: '医療扶助, not yet registered',
    ageYears: 61,
    change: insuredBy('publicAssistance', { InsuredCardClassification: 'A1' }, true),
  },
  {
    edgeCase: '医療扶助, registered',
    ageYears: 66,
    change: insuredBy('publicAssistance', { InsuredCardClassification: 'A1' }),
  },
  {
    edgeCase: 'short-term certificate',
    ageYears: 50,
    change: (draft) =>
      insuredBy('municipal', {
        InsuredCardClassification: '03',
        InsuredCardExpirationDate: addDays(draft.asOf, 90),
      })(draft),
  },
  {
    edgeCase: '記号 and 番号 in full width',
    ageYears: 37,
    change: insuredBy('mutualAid', {
      InsuredCardSymbol: '架空・Ａ１',
      InsuredIdentificationNumber: '１２３４５',
    }),
  },
  {
    edgeCase: 'next card generation, P-384',
    ageYears: 30,
    change: (draft) => withCertificate(draft, { generation: 'p384' }),
  },
  {
    edgeCase: 'certificate of the older authority',
    ageYears: 49,
    change: (draft) => withCertificate(draft, { generation: 'g1' }),
  },
  { edgeCase: 'certificate ends within 90 days', ageYears: 46, change: endingIn(45) },
  {
    edgeCase: 'card not linked to the insurance',
    ageYears: 26,
    change: (draft) => withCertificate(draft, { linked: false }),
  },
  {
    edgeCase: 'very long name, sex not set',
    ageYears: 35,
    change: (draft) =>
      insuredBy('society', {
        Name: `架空　${'寿限無'.repeat(12)}`,
        NameKana: `ｶｸｳ ${'ｼﾞｭｹﾞﾑ'.repeat(12)}`,
        Sex1: '3',
      })({
        ...draft,
        person: {
          ...draft.person,
          sex: '3',
          name: `架空　${'寿限無'.repeat(12)}`,
          nameKana: `ｶｸｳ ${'ｼﾞｭｹﾞﾑ'.repeat(12)}`,
        },
      }),
  },
  { edgeCase: '自衛官', ageYears: 28, change: insuredBy('selfDefence', { InsuredCardClassification: '07' }) },
  {
    edgeCase: 'moved: signing certificate ended, authentication good',
    ageYears: 39,
    change: ({ person, asOf }) => {
      const signing = person.signingCertificate;
      const end = {
        status: 'affiliationChanged',
        revokedAt: toInstant(dayStartMs(addDays(asOf, -20))),
      } as const;
      return signing === undefined ? person : { ...person, signingCertificate: { ...signing, ...end } };
    },
  },
  { edgeCase: '共済', ageYears: 54, change: insuredBy('mutualAid') },
];

export function edgeCasePerson(index: number, asOf: string): Person | undefined {
  const edge = EDGE_CASES[index - 1];
  if (edge === undefined) return undefined;
  return { ...edge.change(draftPerson(index, asOf, edge.ageYears)), edgeCase: edge.edgeCase };
}
