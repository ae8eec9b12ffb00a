/** The invented people of `people/*.json`, checked when they are read. */
import { readdirSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { dataUrl } from './data-folder.ts';

const ISO_DATE = z.string().regex(/^\d{4}-\d{2}-\d{2}$/);

/** Whose card is made: what an issuer knows about the person. */
export const Holder = z.strictObject({
  name: z.string().min(1),
  kana: z.string().min(1),
  address: z.string().min(1),
  birth: ISO_DATE,
  /** ISO 5218. */
  sex: z.enum(['0', '1', '2', '9']),
  individualNumber: z
    .string()
    .regex(/^\d{12}$/)
    .optional(),
  /** 照合番号B: birth in the era's years, year of expiry, four digits printed on the card. */
  verificationNumberB: z.string().regex(/^\d{14}$/),
  /** End of the card's validity, a birthday. */
  cardExpiry: ISO_DATE,
  pin: z.string().regex(/^\d{4,16}$/),
  /** Absent when there is no signing certificate (children under 15, or by choice). */
  signPassword: z
    .string()
    .regex(/^[A-Z0-9]{6,16}$/)
    .optional(),
});
export type Holder = z.infer<typeof Holder>;

export const Person = Holder.extend({
  notice: z.string(),
  id: z.string().regex(/^[a-z-]+$/),
  part: z.enum(['patient', 'doctor', 'nurse', 'clerk']),
  variant: z.enum(['vendor-1', 'vendor-2', 'android', 'iphone', 'next-generation', 'hpki']),
});
export type Person = z.infer<typeof Person>;

export interface CardFaceImages {
  readonly photoJp2: Uint8Array;
  readonly namePng: Uint8Array;
  readonly addressPng: Uint8Array;
  readonly securityCodePng: Uint8Array;
  readonly numberPng: Uint8Array;
}

/** All invented people, by id. */
export function readPeople(): ReadonlyMap<string, Person> {
  const names = readdirSync(dataUrl('people/')).filter((name) => name.endsWith('.json'));
  const people = names.sort().map((name) => {
    const text = readFileSync(dataUrl(`people/${name}`), 'utf8');
    return Person.parse(JSON.parse(text));
  });
  return new Map(people.map((person) => [person.id, person]));
}

/** Throws for an unknown id. */
export function readPerson(id: string): Person {
  const person = readPeople().get(id);
  if (person === undefined) throw new RangeError(`no such person: ${id}`);
  return person;
}

/** The drawn images of a person's card face; `people/images/make-images.sh` made them. */
export function readCardFaceImages(personId: string): CardFaceImages {
  const read = (suffix: string): Uint8Array =>
    new Uint8Array(readFileSync(dataUrl(`people/images/${personId}.${suffix}`)));
  return {
    photoJp2: read('photo.jp2'),
    namePng: read('name.png'),
    addressPng: read('address.png'),
    securityCodePng: read('code.png'),
    numberPng: read('number.png'),
  };
}
