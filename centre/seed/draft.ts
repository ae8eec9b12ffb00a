/** An ordinary person made from an index, before an edge case changes something about them. */
import { fifthBirthdayMs } from '../pki/jpki.ts';
import { addDays, addYears, ageOn, dayStartMs, laterOf, toDate, toInstant } from './calendar.ts';
import { INSURERS, type InsurerKind, lateElderlyNumber } from './insurer.ts';
import type { Person, PersonCertificate } from './person.ts';
import { type Choices, choicesFor } from './random.ts';

type QualificationEntry = Person['qualifications'][number];

const FAMILY_NAMES = [
  ['架空', 'ｶｸｳ', 'KAKUU'],
  ['見本', 'ﾐﾎﾝ', 'MIHON'],
  ['例示', 'ﾚｲｼﾞ', 'REIJI'],
  ['仮名', 'ｶﾒｲ', 'KAMEI'],
  ['試験', 'ｼｹﾝ', 'SHIKEN'],
  ['模擬', 'ﾓｷﾞ', 'MOGI'],
  ['想定', 'ｿｳﾃｲ', 'SOUTEI'],
  ['関所', 'ｾｷｼｮ', 'SEKISHO'],
] as const;

const GIVEN_NAMES = {
  '1': [
    ['一号', 'ｲﾁｺﾞｳ', 'ICHIGOU'],
    ['太郎', 'ﾀﾛｳ', 'TAROU'],
    ['次郎', 'ｼﾞﾛｳ', 'JIROU'],
    ['試作', 'ｼｻｸ', 'SHISAKU'],
    ['架之介', 'ｶﾉｽｹ', 'KANOSUKE'],
  ],
  '2': [
    ['花子', 'ﾊﾅｺ', 'HANAKO'],
    ['例子', 'ﾚｲｺ', 'REIKO'],
    ['見本子', 'ﾐﾎｺ', 'MIHOKO'],
    ['空美', 'ｸﾐ', 'KUMI'],
    ['仮奈', 'ｶﾅ', 'KANA'],
  ],
} as const;

export interface Draft {
  /** The day the seed is made for, YYYYMMDD. */
  readonly asOf: string;
  readonly choices: Choices;
  readonly person: Person;
}

/** `ageYears` is chosen when left out. */
export function draftPerson(index: number, asOf: string, ageYears?: number): Draft {
  const id = `P${String(index).padStart(4, '0')}`;
  const choices = choicesFor(id);
  const sex = choices.pick(['1', '2']);
  const [familyName, familyKana, familyLatin] = choices.pick(FAMILY_NAMES);
  const [givenName, givenKana, givenLatin] = choices.pick(GIVEN_NAMES[sex]);
  const age = ageYears ?? choices.pick([3, 9, 17, 24, 31, 38, 45, 52, 59, 64, 68, 72, 77, 83, 91]);
  const birthDate = toDate(
    dayStartMs(asOf) - Math.round((age + 0.1 + choices.below(80) / 100) * 365.25) * 86_400_000,
  );
  const lifeDays = Math.floor((dayStartMs(asOf) - dayStartMs(birthDate)) / 86_400_000);
  const issuedOn = addDays(asOf, -(30 + choices.below(Math.min(1_300, lifeDays - 60))));
  const certificateEnd = toDate(fifthBirthdayMs(birthDate, dayStartMs(issuedOn)));
  const person: Person = {
    id,
    name: `${familyName}　${givenName}`,
    nameKana: `${familyKana} ${givenKana}`,
    nameLatin: `${familyLatin} ${givenLatin}`,
    sex,
    birthDate,
    postNumber: `999-${choices.digits(4)}`,
    address: `架空県見本市試験町${1 + choices.below(9)}丁目${1 + choices.below(30)}番${1 + choices.below(20)}号`,
    card: {
      pin: '1234',
      securityCode: choices.digits(4),
      // Cards of adults live until the tenth birthday, of children until the fifth.
      expires: ageOn(birthDate, issuedOn) < 18 ? certificateEnd : addYears(certificateEnd, 5),
    },
    certificates: [draftCertificate(`${id} authentication`, birthDate, issuedOn)],
    qualifications: [],
  };
  const signing =
    ageOn(birthDate, asOf) < 15
      ? {}
      : { signingCertificate: draftCertificate(`${id} signing`, birthDate, issuedOn) };
  const complete = { ...person, ...signing };
  return {
    asOf,
    choices,
    person: { ...complete, qualifications: [draftQualification({ asOf, choices, person: complete })] },
  };
}

/** Good, linked, and valid from `issuedOn` to the fifth birthday after it. */
export function draftCertificate(label: string, birthDate: string, issuedOn: string): PersonCertificate {
  const serial = choicesFor(`${label} serial`).below(0x7000_0000) + 0x0100_0000;
  const notBeforeMs = dayStartMs(issuedOn);
  return {
    serial: serial.toString(16).padStart(8, '0'),
    generation: 'g2',
    notBefore: toInstant(notBeforeMs),
    notAfter: toInstant(fifthBirthdayMs(birthDate, notBeforeMs)),
    status: 'good',
    linked: true,
  };
}

/** The insurance that somebody of that age usually has, or the named one. */
export function draftQualification(draft: Draft, kind?: InsurerKind): QualificationEntry {
  const { asOf, choices, person } = draft;
  const age = ageOn(person.birthDate, asOf);
  const usual: InsurerKind =
    age >= 75
      ? 'lateElderly'
      : choices.pick(['association', 'society', 'municipal', 'municipal', 'mutualAid']);
  const insurerKind = kind ?? usual;
  const insurer = INSURERS[insurerKind];
  const since = addDays(asOf, -(200 + choices.below(2_000)));
  const dependant = age < 18 || (insurerKind !== 'municipal' && choices.below(4) === 0);
  return {
    unregistered: false,
    qualification: {
      InsuredCardClassification: '01',
      InsurerNumber: insurer.number,
      InsurerName: insurer.name,
      ...insuredIdentity(insurerKind, choices),
      PersonalFamilyClassification: dependant ? '2' : '1',
      ...(dependant ? { InsuredName: `${person.name.split('　')[0]}　親` } : {}),
      Name: person.name,
      NameKana: person.nameKana,
      Sex1: person.sex,
      Birthdate: person.birthDate,
      Address: person.address,
      PostNumber: person.postNumber,
      QualificationDate: laterOf(since, person.birthDate),
      InsuredPartialContributionRatio: ratio(age),
      ...(age >= 70 && age < 75 ? { ElderlyRecipientCertificateInfo: elderlyRecipient(asOf) } : {}),
    },
  };
}

/** 記号, 番号 and 枝番; 後期高齢 has a number only. */
function insuredIdentity(kind: InsurerKind, choices: Choices) {
  if (kind === 'lateElderly') return { InsuredIdentificationNumber: lateElderlyNumber(choices.digits(7)) };
  const number = choices.digits(7);
  if (kind === 'municipal' || kind === 'otherMunicipal') {
    return {
      InsuredCardSymbol: `見本${choices.digits(2)}`,
      InsuredIdentificationNumber: number,
      InsuredBranchNumber: '01',
    };
  }
  return {
    InsuredCardSymbol: choices.digits(8),
    InsuredIdentificationNumber: number,
    InsuredBranchNumber: '00',
  };
}

/** 3割; before school and from 70 on 2割; from 75 on 1割. */
function ratio(age: number): string {
  if (age >= 75) return '010';
  return age >= 70 || age < 6 ? '020' : '030';
}

function elderlyRecipient(asOf: string) {
  const year = Number(asOf.slice(0, 4)) - (asOf.slice(4) < '0801' ? 1 : 0);
  return {
    ElderlyRecipientCertificateDate: `${year}0801`,
    ElderlyRecipientValidStartDate: `${year}0801`,
    ElderlyRecipientValidEndDate: `${year + 1}0731`,
    ElderlyRecipientContributionRatio: '020',
  };
}
