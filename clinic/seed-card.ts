/** The card of anybody in the seed, by id: for the edge cases (expired, revoked, no insurance, …). */
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { CentrePki } from '#centre/pki/authority.ts';
import { issueJpkiAuthentication } from '#centre/pki/jpki.ts';
import type { Person as SeedPerson } from '#centre/seed/person.ts';
import type { CardImage } from '#drivers/simulated/card/image.ts';
import { makeMyNumberCardImage } from '#drivers/simulated/issue/my-number-card.ts';
import type { Holder } from '#drivers/simulated/people.ts';
import { organisationRoots } from './wallet.ts';

/** First years of Showa, Heisei and Reiwa: 照合番号B counts birth years in eras. */
const ERAS = [
  { from: '20190501', firstYear: 2019 },
  { from: '19890108', firstYear: 1989 },
  { from: '19261225', firstYear: 1926 },
] as const;

/** Not a number that anybody has; its check digit is right. */
const INDIVIDUAL_NUMBER = '999000010020';

function isoDate(compact: string): string {
  return `${compact.slice(0, 4)}-${compact.slice(4, 6)}-${compact.slice(6, 8)}`;
}

/** 照合番号B: birth YYMMDD in the era's year, four digits of the year of expiry, security code. */
export function verificationNumberB(person: SeedPerson): string {
  const era = ERAS.find(({ from }) => person.birthDate >= from) ?? ERAS[2];
  const year = Number(person.birthDate.slice(0, 4)) - era.firstYear + 1;
  return `${String(year).padStart(2, '0')}${person.birthDate.slice(4)}${person.card.expires.slice(0, 4)}${person.card.securityCode}`;
}

function holderOf(person: SeedPerson): Holder {
  return {
    name: person.name,
    kana: person.nameKana,
    address: person.address,
    birth: isoDate(person.birthDate),
    sex: person.sex === '3' ? '9' : person.sex,
    individualNumber: INDIVIDUAL_NUMBER,
    verificationNumberB: verificationNumberB(person),
    cardExpiry: isoDate(person.card.expires),
    pin: person.card.pin,
  };
}

/** A fresh key each time: a card ID follows the key, so the caller keeps the image if the ID shall stay. */
export function issueSeedCard(pki: CentrePki, person: SeedPerson): CardImage {
  const certificate = person.certificates.at(-1);
  if (certificate === undefined) throw new RangeError(`${person.id} has no certificate`);
  const { generation } = certificate;
  const key: KeyObject =
    generation === 'p384'
      ? generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey
      : generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  return makeMyNumberCardImage({
    holder: holderOf(person),
    variant: generation === 'p384' ? 'next-generation' : 'vendor-1',
    authentication: {
      privateKey: key,
      certificate: issueJpkiAuthentication(pki, {
        publicKey: createPublicKey(key),
        serial: certificate.serial,
        notBeforeMs: Date.parse(certificate.notBefore),
        notAfterMs: Date.parse(certificate.notAfter),
        generation,
      }),
    },
    authenticationCa: pki.jpkiAuthentication[generation].certificate.der,
    signingCa: pki.jpkiSigning.certificate.der,
    organisationRoots: organisationRoots(pki),
  });
}
