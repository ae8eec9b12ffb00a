/** The cards of the development clinic: every invented person's card, certified by the test authorities. */
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { CentrePki } from '#centre/pki/authority.ts';
import { issueJpkiAuthentication, issueJpkiSigning } from '#centre/pki/jpki.ts';
import { issueHpkiAuthentication } from '#centre/pki/role-certificate.ts';
import type { CardImage } from '#drivers/simulated/card/image.ts';
import { presenceKeysOf } from '#drivers/simulated/issue/card-signer.ts';
import { makeHpkiCardImage } from '#drivers/simulated/issue/hpki-card.ts';
import { makeMyNumberCardImage, type OrganisationRoot } from '#drivers/simulated/issue/my-number-card.ts';
import { testRsaKey } from '#drivers/simulated/keys/test-keys.ts';
import { type Person, readCardFaceImages, readPeople } from '#drivers/simulated/people.ts';

export interface WalletCard {
  readonly person: Person;
  readonly image: CardImage;
  /** Serial of the authentication certificate, hex, as the centre's seed knows it. */
  readonly serial: string;
  /** SHA-256 of the SubjectPublicKeyInfo is the operator's key id on the roster. */
  readonly publicKey: KeyObject;
}

/** Which certificate a person's card holds: given by the seed, so that the centre finds the insurance. */
export interface CertificateWish {
  readonly serial: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

const HC_ROLE: Record<Person['part'], readonly string[]> = {
  doctor: ['Medical Doctor'],
  nurse: ['General Nurse'],
  clerk: [],
  patient: [],
};

/** RSA key of the signing certificate; nobody taps with it, so the people share one. */
const SIGNING_KEY_INDEX = 20;

/** What every card of the test region holds as EF 0016. */
export function organisationRoots(pki: CentrePki): OrganisationRoot[] {
  const { 'rsa-2048': rsa, 'p-384': p384 } = pki.organisationRoots;
  return [
    { suite: '01', publicKey: createPublicKey(rsa.key), keyId: rsa.keyId },
    { suite: '02', publicKey: createPublicKey(p384.key), keyId: p384.keyId },
  ];
}

function issueMyNumberCard(
  pki: CentrePki,
  person: Person,
  key: KeyObject,
  wish: CertificateWish,
  index: number,
): CardImage {
  const variant = person.variant === 'hpki' ? 'vendor-1' : person.variant;
  const next = variant === 'next-generation';
  const isPhone = variant === 'android' || variant === 'iphone';
  const generation = next ? 'p384' : 'g2';
  const certificate = issueJpkiAuthentication(pki, { ...wish, publicKey: createPublicKey(key), generation });
  const signingKey = next
    ? generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey
    : testRsaKey(SIGNING_KEY_INDEX);
  const signing = {
    privateKey: signingKey,
    certificate: issueJpkiSigning(pki, {
      publicKey: createPublicKey(signingKey),
      notBeforeMs: wish.notBeforeMs,
      notAfterMs: wish.notAfterMs,
      name: person.name,
      address: person.address,
      locality: 'Kakuuken',
      birthDate: person.birth.replaceAll('-', ''),
      sex: person.sex === '1' || person.sex === '2' ? person.sex : '3',
    }),
  };
  return makeMyNumberCardImage({
    holder: person,
    variant,
    authentication: { certificate, privateKey: key },
    ...(person.signPassword === undefined ? {} : { signing }),
    authenticationCa: pki.jpkiAuthentication[generation].certificate.der,
    signingCa: pki.jpkiSigning.certificate.der,
    organisationRoots: organisationRoots(pki),
    presenceKeys: presenceKeysOf(index),
    ...(isPhone ? {} : { cardFace: readCardFaceImages(person.id) }),
  });
}

function issueHpkiCard(pki: CentrePki, person: Person, key: KeyObject, wish: CertificateWish): CardImage {
  const certificate = issueHpkiAuthentication(pki, {
    ...wish,
    publicKey: createPublicKey(key),
    commonName: `${person.part} ${person.id}`,
    roles: HC_ROLE[person.part],
  });
  return makeHpkiCardImage({ holder: person, authentication: { certificate, privateKey: key } });
}

/** Issues all cards. `wishOf` says which certificate a person holds. */
export function issueWallet(
  pki: CentrePki,
  wishOf: (person: Person, index: number) => CertificateWish,
): ReadonlyMap<string, WalletCard> {
  const cards = [...readPeople().values()].map((person, index): [string, WalletCard] => {
    const wish = wishOf(person, index);
    const key =
      person.variant === 'next-generation'
        ? generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey
        : testRsaKey(index);
    const issue = person.variant === 'hpki' ? issueHpkiCard : issueMyNumberCard;
    const image = issue(pki, person, key, wish, index);
    return [person.id, { person, image, serial: wish.serial, publicKey: createPublicKey(key) }];
  });
  return new Map(cards);
}
