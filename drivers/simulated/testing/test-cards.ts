/** Cards of invented people for the tests of this room. */
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { concat, fromHex, uint } from '../bytes.ts';
import type { CardImage } from '../card/image.ts';
import { SimulatedCard, type SimulatedCardOptions } from '../card/simulated-card.ts';
import { keyId, makeCvCertificate, organisationKeyId } from '../issue/cv-certificate.ts';
import { makeHpkiCardImage } from '../issue/hpki-card.ts';
import type { OrganisationRoot } from '../issue/jpki-application.ts';
import { type MyNumberCardContent, makeMyNumberCardImage } from '../issue/my-number-card.ts';
import { testRsaKey } from '../keys/test-keys.ts';
import { readCardFaceImages, readPerson } from '../people.ts';
import { type OpensslPki, openOpensslPki } from './openssl-pki.ts';

const ROOT_KEY_ID = keyId('6000001TESTROOT');
export const INSTITUTION = '1310000001';

export interface Suite {
  readonly root: OrganisationRoot;
  readonly rootKey: KeyObject;
  readonly organisationKey: KeyObject;
}

/** Root and organisation of one algorithm suite. */
function makeSuite(suite: '01' | '02'): Suite {
  const makeEc = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
  const rootKey = suite === '01' ? testRsaKey(8) : makeEc();
  const organisationKey = suite === '01' ? testRsaKey(9) : makeEc();
  return {
    root: { suite, publicKey: createPublicKey(rootKey), keyId: ROOT_KEY_ID },
    rootKey,
    organisationKey,
  };
}

/** The organisation's certificate, as the two commands that load it. */
export function loadCommands(suite: Suite, expiry?: string): [first: Uint8Array, second: Uint8Array] {
  const certificate = makeCvCertificate({
    issuerKey: suite.rootKey,
    issuerKeyId: ROOT_KEY_ID,
    subjectKeyId: organisationKeyId(INSTITUTION, expiry),
    subjectKey: suite.organisationKey,
  });
  const firstBytes = suite.root.suite === '01' ? 307 : 139;
  return [
    extended('80A206C1', certificate.slice(0, firstBytes)),
    extended('80A200C1', certificate.slice(firstBytes)),
  ];
}

/** An extended command without Le. */
export function extended(header: string, data: Uint8Array): Uint8Array {
  return concat(fromHex(header), Uint8Array.of(0), uint(data.length, 2), data);
}

export interface TestCards {
  readonly pki: OpensslPki;
  readonly rsa: Suite;
  readonly p384: Suite;
  myNumber(personId: string, more?: Partial<Pick<MyNumberCardContent, 'quirks' | 'presenceKeys'>>): CardImage;
  hpki(): CardImage;
}

export function openTestCards(): TestCards {
  const pki = openOpensslPki();
  const [rsa, p384] = [makeSuite('01'), makeSuite('02')];
  const authentication = pki.authority('authentication-ca', testRsaKey(6));
  const signing = pki.authority('signing-ca', testRsaKey(7));
  const makeEc = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
  return {
    pki,
    rsa,
    p384,
    myNumber: (personId, more) => {
      const holder = readPerson(personId);
      const { variant } = holder;
      if (variant === 'hpki') throw new RangeError('not a My Number card');
      const isNext = variant === 'next-generation';
      const isPhone = variant === 'android' || variant === 'iphone';
      const [authenticationKey, signingKey] = isNext ? [makeEc(), makeEc()] : [testRsaKey(0), testRsaKey(1)];
      const signingPair = {
        certificate: signing.issue(`${personId}-sign`, signingKey),
        privateKey: signingKey,
      };
      return makeMyNumberCardImage({
        holder,
        variant,
        authentication: {
          certificate: authentication.issue(personId, authenticationKey),
          privateKey: authenticationKey,
        },
        ...(holder.signPassword === undefined ? {} : { signing: signingPair }),
        authenticationCa: authentication.der,
        signingCa: signing.der,
        organisationRoots: isNext ? [p384.root] : [rsa.root],
        ...(isPhone ? {} : { cardFace: readCardFaceImages(personId) }),
        ...more,
      });
    },
    hpki: () => {
      const key = testRsaKey(2);
      const pair = { certificate: authentication.issue('kakuu-ishi', key), privateKey: key };
      const holder = readPerson('kakuu-ishi');
      return makeHpkiCardImage({ holder, authentication: pair, signing: pair });
    },
  };
}

/** Sends hex, gets hex: for tables of commands and answers. */
export class CardTerminal {
  readonly card: SimulatedCard;

  constructor(image: CardImage, options: SimulatedCardOptions = {}) {
    this.card = new SimulatedCard(image, options);
    this.card.powerOn();
  }

  send(command: string | Uint8Array): string {
    const bytes = typeof command === 'string' ? fromHex(command) : command;
    return Buffer.from(this.card.process(bytes)).toString('hex').toUpperCase();
  }

  /** Data of an answer that must be 9000. */
  data(command: string | Uint8Array): Uint8Array {
    const answer = this.send(command);
    if (!answer.endsWith('9000')) throw new Error(`answered ${answer.slice(-4)}`);
    return fromHex(answer.slice(0, -4));
  }

  /** Reads a file in blocks of 256 until its end. */
  readFile(id: string): Uint8Array {
    this.data(`00A4020C02${id}`);
    const blocks: Uint8Array[] = [];
    for (let at = 0; ; at += 256) {
      const answer = this.send(`00B0${at.toString(16).padStart(4, '0')}00`);
      if (answer === '6B00') return concat(...blocks);
      if (!answer.endsWith('9000')) throw new Error(`answered ${answer.slice(-4)}`);
      blocks.push(fromHex(answer.slice(0, -4)));
    }
  }
}
