/** The whole language against the simulated cards, whose APDU, TLV and crypto code is their own. */
import { execFileSync } from 'node:child_process';
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign,
  verify,
  X509Certificate,
} from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SimulatedCard } from '#drivers/simulated/card/simulated-card.ts';
import { SimulatedReader } from '#drivers/simulated/channel.ts';
import { testFaceRoot, testTextRoot } from '#drivers/simulated/issue/card-signer.ts';
import { makeHpkiCardImage } from '#drivers/simulated/issue/hpki-card.ts';
import { type MyNumberCardContent, makeMyNumberCardImage } from '#drivers/simulated/issue/my-number-card.ts';
import { readCardFaceImages, readPerson } from '#drivers/simulated/people.ts';
import { verifyCvCertificate } from './cv-certificate.ts';
import { type CardExchange, openExchange } from './exchange.ts';
import { openFace, readFace, readFaceCertificate, verifyFaceNumberB } from './face/application.ts';
import { verifyFace } from './face/face.ts';
import { decodePhoto } from './face/photo.ts';
import {
  openHpki,
  queryHpkiPin,
  readHpkiCertificate,
  signHpkiDigest,
  verifyHpkiPin,
} from './hpki/application.ts';
import { openJpki } from './jpki/application.ts';
import { organisationProfile as profile } from './jpki/organisation-profile.ts';
import { queryJpkiPin, verifyJpkiPin } from './jpki/pin.ts';
import { signJpkiDigest } from './jpki/signature.ts';
import { withTextSecureMessaging } from './secure-messaging/session.ts';
import { SUITES, type Suite } from './suite.ts';
import { encodeCvBody, encodeCvCertificate, encodeOrganisationKeyId } from './testing/cv-issuer.ts';
import { openText, verifyTextNumberB, verifyTextPin } from './text/application.ts';
import {
  readAttributes,
  readIntegrityRecord,
  readTextCertificate,
  verifyAttributes,
} from './text/attributes.ts';

const person = readPerson('mihon-taro');
const { notice, id, part, variant, ...holder } = person;
const state = mkdtempSync(join(tmpdir(), 'sekisho-card-'));
const signal = new AbortController().signal;
const ascii = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'ascii'));
const rootKeyId = new Uint8Array(16).fill(0x36);

interface KeyFile {
  readonly key: KeyObject;
  readonly certificate: Uint8Array;
}

/** A key and a self-signed certificate, by openssl. */
function makeKey(suite: Suite, name: string): KeyFile {
  const path = join(state, `${name}.pem`);
  const options =
    suite === 'p384-sha384'
      ? ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384']
      : ['rsa', '-pkeyopt', 'rsa_keygen_bits:2048'];
  execFileSync('openssl', ['genpkey', '-algorithm', ...options, '-out', path], { stdio: 'pipe' });
  const request = ['req', '-x509', '-new', '-key', path, '-subj', `/C=JP/CN=${name}`, '-outform', 'DER'];
  const certificate = new Uint8Array(execFileSync('openssl', request, { stdio: 'pipe' }));
  return { key: createPrivateKey(readFileSync(path)), certificate };
}

const suites = ['rsa-2048-sha256', 'p384-sha384'] as const;
let keys: Record<Suite, { card: KeyFile; root: KeyFile; organisation: KeyFile }>;

beforeAll(() => {
  const make = (suite: Suite) => ({
    card: makeKey(suite, `card-${suite}`),
    root: makeKey(suite, `root-${suite}`),
    organisation: makeKey(suite, `organisation-${suite}`),
  });
  keys = { 'rsa-2048-sha256': make('rsa-2048-sha256'), 'p384-sha384': make('p384-sha384') };
});
afterAll(() => rmSync(state, { recursive: true }));

function contentOf(cardVariant: MyNumberCardContent['variant']): MyNumberCardContent {
  const suite = cardVariant === 'next-generation' ? 'p384-sha384' : 'rsa-2048-sha256';
  const { card } = keys[suite];
  return {
    holder,
    variant: cardVariant,
    authentication: { certificate: card.certificate, privateKey: card.key },
    authenticationCa: card.certificate,
    signingCa: card.certificate,
    cardFace: readCardFaceImages(person.id),
    organisationRoots: suites.map((each) => ({
      suite: SUITES[each].number === 1 ? '01' : '02',
      publicKey: createPublicKey(keys[each].root.key),
      keyId: rootKeyId,
    })),
  };
}

async function place(card: SimulatedCard, maxCommandBytes = 65_544): Promise<CardExchange> {
  const reader = new SimulatedReader({ maxCommandBytes });
  reader.insert(card);
  return openExchange(await reader.waitForCard(signal));
}

const placeMyNumber = (cardVariant: MyNumberCardContent['variant'], maxCommandBytes?: number) =>
  place(new SimulatedCard(makeMyNumberCardImage(contentOf(cardVariant))), maxCommandBytes);

function signRaw(suite: Suite, key: KeyObject, data: Uint8Array): Uint8Array {
  return new Uint8Array(sign(SUITES[suite].hash, data, { key, dsaEncoding: 'ieee-p1363' }));
}

function organisationCertificate(suite: Suite, expires?: { year: number; month: number }): Uint8Array {
  const { root, organisation } = keys[suite];
  const subjectKeyId = encodeOrganisationKeyId('1312345678', expires);
  const publicKey = createPublicKey(organisation.key);
  const body = encodeCvBody({ suite, issuerKeyId: rootKeyId, subjectKeyId, publicKey });
  return encodeCvCertificate(body, signRaw(suite, root.key, body));
}

async function authenticate(exchange: CardExchange, suite: Suite): Promise<void> {
  await profile.loadCertificate(exchange, organisationCertificate(suite));
  const challenge = await profile.getChallenge(exchange);
  await profile.authenticate(exchange, signRaw(suite, keys[suite].organisation.key, challenge));
}

describe('a tap', () => {
  it.each(['vendor-1', 'vendor-2', 'android', 'iphone', 'next-generation'] as const)(
    'with a %s card needs no PIN, and node:crypto accepts what the card signed',
    async (cardVariant) => {
      const exchange = await placeMyNumber(cardVariant);
      await profile.select(exchange);
      const { suite } = await profile.readTokenInfo(exchange);
      await authenticate(exchange, suite);
      const certificate = new X509Certificate(await profile.readAuthenticationCertificate(exchange));
      const message = Buffer.from('SEKISHO-TAP-1 and so on');
      const digest = createHash(SUITES[suite].hash).update(message).digest();
      const signature = await profile.signWithAuthenticationKey(exchange, suite, digest);
      const key = { key: certificate.publicKey, dsaEncoding: 'ieee-p1363' } as const;
      expect(verify(SUITES[suite].hash, message, key, signature)).toBe(true);
    },
  );

  it('takes seven commands, and one for each 256 bytes of the certificate', async () => {
    const exchange = await placeMyNumber('vendor-1');
    await profile.select(exchange);
    await profile.readTokenInfo(exchange);
    await authenticate(exchange, 'rsa-2048-sha256');
    const der = await profile.readAuthenticationCertificate(exchange);
    await profile.signWithAuthenticationKey(exchange, 'rsa-2048-sha256', new Uint8Array(32));
    expect(exchange.meter.count).toBe(7 + Math.ceil(der.length / 256));
  });

  it('works through a reader that carries 262 bytes, by command chaining', async () => {
    const exchange = await placeMyNumber('vendor-1', 262);
    await profile.select(exchange);
    await authenticate(exchange, 'rsa-2048-sha256');
    await profile.signWithAuthenticationKey(exchange, 'rsa-2048-sha256', new Uint8Array(32));
  });

  it('is refused with a wrong signature, a used challenge, an expired or a foreign certificate', async () => {
    const suite = 'rsa-2048-sha256';
    const code = 'card.organisation-rejected';
    const exchange = await placeMyNumber('vendor-1');
    await profile.select(exchange);
    await profile.loadCertificate(exchange, organisationCertificate(suite));
    await profile.getChallenge(exchange);
    const wrong = signRaw(suite, keys[suite].organisation.key, new Uint8Array(16));
    await expect(profile.authenticate(exchange, wrong)).rejects.toMatchObject({ code });
    const challenge = await profile.getChallenge(exchange);
    const right = signRaw(suite, keys[suite].organisation.key, challenge);
    await profile.authenticate(exchange, right);
    await expect(profile.authenticate(exchange, right)).rejects.toMatchObject({ code });
    const expired = organisationCertificate(suite, { year: 2020, month: 1 });
    await expect(profile.loadCertificate(exchange, expired)).rejects.toMatchObject({ code });
    const foreign = organisationCertificate(suite);
    foreign.set([foreign[567]! ^ 1], 567);
    await expect(profile.loadCertificate(exchange, foreign)).rejects.toMatchObject({ code });
  });

  it('gives four signatures, and none before authentication', async () => {
    const exchange = await placeMyNumber('vendor-1');
    const code = 'card.security-status';
    const signZeros = () =>
      profile.signWithAuthenticationKey(exchange, 'rsa-2048-sha256', new Uint8Array(32));
    await profile.select(exchange);
    await expect(signZeros()).rejects.toMatchObject({ code });
    await authenticate(exchange, 'rsa-2048-sha256');
    for (let count = 0; count < 4; count++) await signZeros();
    await expect(signZeros()).rejects.toMatchObject({ code });
  });

  it('does not open the certificate of a phone without authentication', async () => {
    const exchange = await placeMyNumber('iphone');
    await profile.select(exchange);
    await expect(profile.readAuthenticationCertificate(exchange)).rejects.toMatchObject({
      code: 'card.security-status',
    });
  });
});

describe('an operator', () => {
  it('signs with a My Number Card after the PIN', async () => {
    const exchange = await placeMyNumber('vendor-1');
    await openJpki(exchange);
    await expect(verifyJpkiPin(exchange, 'authentication', ascii('0000'))).rejects.toMatchObject({
      code: 'operator.pin-wrong',
      context: { triesLeft: 2 },
    });
    expect(await queryJpkiPin(exchange, 'authentication')).toEqual({ state: 'tries', left: 2 });
    await verifyJpkiPin(exchange, 'authentication', ascii(holder.pin));
    const digest = createHash('sha256').update('unlock').digest();
    const signature = await signJpkiDigest(exchange, 'authentication', 'rsa-2048-sha256', digest);
    const key = createPublicKey(keys['rsa-2048-sha256'].card.key);
    expect(verify('sha256', Buffer.from('unlock'), key, signature)).toBe(true);
    await expect(openHpki(exchange, 'authentication')).rejects.toMatchObject({ code: 'card.not-hpki-card' });
  });

  it('blocks the PIN with the third wrong one', async () => {
    const exchange = await placeMyNumber('vendor-1');
    await openJpki(exchange);
    const codes: unknown[] = [];
    for (let count = 0; count < 4; count++) {
      await verifyJpkiPin(exchange, 'authentication', ascii('0000')).catch((thrown) =>
        codes.push(thrown.code),
      );
    }
    expect(codes).toEqual([
      'operator.pin-wrong',
      'operator.pin-wrong',
      'operator.pin-blocked',
      'operator.pin-blocked',
    ]);
    expect(await queryJpkiPin(exchange, 'authentication')).toEqual({ state: 'blocked' });
  });

  it('signs with an HPKI card after the PIN', async () => {
    const { card } = keys['rsa-2048-sha256'];
    const authentication = { certificate: card.certificate, privateKey: card.key };
    const exchange = await place(new SimulatedCard(makeHpkiCardImage({ holder, authentication })));
    await openHpki(exchange, 'authentication');
    expect(await readHpkiCertificate(exchange)).toEqual(card.certificate);
    expect(await queryHpkiPin(exchange)).toEqual({ state: 'tries', left: 15 });
    await verifyHpkiPin(exchange, ascii(holder.pin));
    const digest = createHash('sha256').update('sign in').digest();
    const signature = await signHpkiDigest(exchange, digest);
    expect(verify('sha256', Buffer.from('sign in'), createPublicKey(card.key), signature)).toBe(true);
    await expect(openJpki(exchange)).rejects.toMatchObject({ code: 'card.not-my-number-card' });
  });
});

describe('what is printed on the card', () => {
  const birthDate = holder.birth.replaceAll('-', '');
  const attributes = { name: holder.name, address: holder.address, birthDate, sex: 'male' };

  it('is read as text after 照合番号B, and vouched for', async () => {
    const exchange = await placeMyNumber('vendor-1');
    await openText(exchange);
    await verifyTextNumberB(exchange, ascii(holder.verificationNumberB));
    const signed = await readAttributes(exchange);
    const record = await readIntegrityRecord(exchange);
    const certificate = await readTextCertificate(exchange);
    expect(signed.attributes).toEqual(attributes);
    expect(verifyAttributes(signed, record, certificate, createPublicKey(testTextRoot()))).toBe(true);
  });

  it('is read as text over secure messaging', async () => {
    const exchange = await placeMyNumber('vendor-1');
    await openText(exchange);
    await verifyTextPin(exchange, ascii(holder.pin));
    const session = await withTextSecureMessaging(exchange);
    await verifyTextNumberB(session, ascii(holder.verificationNumberB));
    expect((await readAttributes(session)).attributes).toEqual(attributes);
    await expect(verifyTextNumberB(session, ascii('00000000000000'))).rejects.toMatchObject({
      code: 'patient.security-code-wrong',
    });
    expect((await readAttributes(session)).attributes).toEqual(attributes);
  });

  it('is seen as a photo after 照合番号B, and the key that vouches for it is certified', async () => {
    const exchange = await placeMyNumber('vendor-1');
    await openFace(exchange);
    await expect(readFace(exchange)).rejects.toMatchObject({ code: 'card.security-status' });
    await verifyFaceNumberB(exchange, ascii(holder.verificationNumberB));
    const face = await readFace(exchange);
    expect(face).toMatchObject({ birthDate, sex: 'male' });
    expect(
      Buffer.from(await decodePhoto(face.photoJp2))
        .subarray(1, 4)
        .toString('latin1'),
    ).toBe('PNG');
    const certificate = await readFaceCertificate(exchange);
    expect(verifyCvCertificate(certificate, createPublicKey(testFaceRoot()))).toBe(true);
    expect(verifyFace(face, certificate, createPublicKey(testFaceRoot()))).toBe(true);
  });
});
