/** Gives the invented people of the simulated cards a place in the region: insurance, certificates, a history. */
import { addDays, toDate } from '#centre/seed/calendar.ts';
import { draftCertificate } from '#centre/seed/draft.ts';
import { createPeople } from '#centre/seed/people.ts';
import type { Person as SeedPerson } from '#centre/seed/person.ts';
import { type Person, readPeople } from '#drivers/simulated/people.ts';

/** Whose insurance an invented person has: an id of `centre/seed/README.md`. */
const INSURED_LIKE: Readonly<Record<string, string>> = {
  'mihon-taro': 'P0001',
  'mihon-hanako': 'P0002',
  'mihon-koharu': 'P0016',
  'kakuu-ume': 'P0004',
  'kamei-saburo': 'P0003',
  'reiji-ken': 'P0025',
  'reiji-mai': 'P0022',
  'shiken-mirai': 'P0027',
  'sample-alex': 'P0034',
};
const ORDINARY = 'P0001';

const HALF_WIDTH_SPACE = ' ';

export interface Cast {
  /** The whole region: the seed's thousand and the invented people. */
  readonly people: readonly SeedPerson[];
  readonly seedOf: ReadonlyMap<string, SeedPerson>;
}

function sexOf(person: Person): SeedPerson['sex'] {
  return person.sex === '1' || person.sex === '2' ? person.sex : '3';
}

/** `like` with the name, birth and card of `person`. */
function play(person: Person, index: number, like: SeedPerson, asOf: string): SeedPerson {
  const birthDate = person.birth.replaceAll('-', '');
  const sex = sexOf(person);
  const kana = person.kana.replaceAll('　', HALF_WIDTH_SPACE);
  const certificate = draftCertificate(`cast ${person.id}`, birthDate, addDays(asOf, -200));
  const generation = person.variant === 'next-generation' ? 'p384' : 'g2';
  const { signingCertificate: _, edgeCase: __, ...rest } = like;
  return {
    ...rest,
    id: `P${9001 + index}`,
    name: person.name,
    nameKana: kana,
    nameLatin: person.id.replace('-', ' ').toUpperCase(),
    sex,
    birthDate,
    address: person.address,
    card: {
      pin: person.pin.slice(0, 4),
      securityCode: person.verificationNumberB.slice(-4),
      expires: person.cardExpiry.replaceAll('-', ''),
    },
    certificates: [{ ...certificate, generation }],
    qualifications: like.qualifications.map((entry) => ({
      ...entry,
      qualification: {
        ...entry.qualification,
        Name: person.name,
        NameKana: kana,
        Birthdate: birthDate,
        Sex1: sex,
        Address: person.address,
      },
    })),
  };
}

/** The region as of today; the same day gives the same people. */
export function castPeople(nowMs: number): Cast {
  const asOf = toDate(nowMs);
  const people = createPeople({ asOf });
  const byId = new Map(people.map((person) => [person.id, person]));
  const players = [...readPeople().values()].flatMap((person, index): [string, SeedPerson][] => {
    const like = byId.get(INSURED_LIKE[person.id] ?? ORDINARY);
    return like === undefined ? [] : [[person.id, play(person, index, like, asOf)]];
  });
  return {
    people: [...people, ...players.map(([, person]) => person)],
    seedOf: new Map([...players, ...byId]),
  };
}
