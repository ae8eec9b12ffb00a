/**
 * End-entity certificates of the JPKI-TEST hierarchy.
 * @see J-LIS 公的個人認証サービス プロファイル仕様書 3.2
 */
import { createHash, type KeyObject } from 'node:crypto';
import type { Authority, CentrePki, JpkiGeneration } from './authority.ts';
import { JPKI_AUTHENTICATION_NAME, JPKI_SIGNING_NAME } from './authority.ts';
import { exportSpki, keyIdOf, randomSerial, signCertificate } from './certificate.ts';
import {
  authorityKeyIdentifier,
  certificatePolicy,
  crlDistributionPoint,
  KEY_USAGE,
  keyUsage,
  otherNames,
  subjectKeyIdentifier,
} from './extension.ts';
import { encodeName, type Name } from './name.ts';

/** The test cards differ from production in this arc only; the authentication one is inferred from the signing one. */
export const JPKI_TEST_POLICY = {
  authentication: '1.2.392.200149.8.5.1.0.30',
  signing: '1.2.392.200149.8.5.1.0.20',
} as const;

const CPS_URI = 'http://www.jpki.go.jp/cps.html';
const PERSONAL_DATA = '1.2.392.200149.8.5.5';

export interface JpkiAuthenticationRequest {
  readonly publicKey: KeyObject;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Hex; random when left out. */
  readonly serial?: string;
  /** Default `g2`, the authority that issues today. */
  readonly generation?: JpkiGeneration;
}

export interface JpkiSigningRequest extends Omit<JpkiAuthenticationRequest, 'generation'> {
  readonly name: string;
  readonly address: string;
  readonly locality: string;
  /** YYYYMMDD */
  readonly birthDate: string;
  readonly sex: '1' | '2' | '3';
}

/** End of the fifth birthday after issue, 23:59:59 in Japan: how long a JPKI certificate lives. */
export function fifthBirthdayMs(birthDate: string, issuedAtMs: number): number {
  const [month, day] = [Number(birthDate.slice(4, 6)), Number(birthDate.slice(6, 8))];
  const issueYear = new Date(issuedAtMs).getUTCFullYear();
  const endOfBirthday = (year: number): number => Date.UTC(year, month - 1, day, 14, 59, 59);
  const firstYear = endOfBirthday(issueYear) > issuedAtMs ? issueYear : issueYear + 1;
  return endOfBirthday(firstYear + 4);
}

/** Certificate with nothing personal in it: `C=JP, CN=<letters and digits>`. */
export function issueJpkiAuthentication(pki: CentrePki, request: JpkiAuthenticationRequest): Buffer {
  const serial = serialOf(request);
  return issue(pki.jpkiAuthentication[request.generation ?? 'g2'], request, serial, {
    subject: [
      ['C', 'JP'],
      ['CN', opaqueCommonName(serial)],
    ],
    extensions: [
      keyUsage(KEY_USAGE.digitalSignature),
      certificatePolicy(JPKI_TEST_POLICY.authentication, CPS_URI),
      crlDistributionPoint([...JPKI_AUTHENTICATION_NAME, ['CN', 'CRLDP']]),
    ],
  });
}

/** Certificate with the four attributes of the person in otherNames. */
export function issueJpkiSigning(pki: CentrePki, request: JpkiSigningRequest): Buffer {
  const serial = serialOf(request);
  return issue(pki.jpkiSigning, request, serial, {
    subject: [
      ['C', 'JP'],
      ['L', request.locality],
      ['CN', opaqueCommonName(serial)],
    ],
    extensions: [
      keyUsage(KEY_USAGE.digitalSignature, KEY_USAGE.nonRepudiation),
      certificatePolicy(JPKI_TEST_POLICY.signing, CPS_URI),
      otherNames([
        { type: `${PERSONAL_DATA}.1`, value: request.name },
        { type: `${PERSONAL_DATA}.3`, value: request.sex },
        { type: `${PERSONAL_DATA}.4`, value: `${eraOf(request.birthDate)}${request.birthDate}` },
        { type: `${PERSONAL_DATA}.5`, value: request.address },
      ]),
      crlDistributionPoint([...JPKI_SIGNING_NAME, ['CN', 'CRLDP']]),
    ],
  });
}

const serialOf = (request: { readonly serial?: string }): Buffer =>
  request.serial === undefined ? randomSerial() : Buffer.from(request.serial, 'hex');

/** Stable for a serial, and not the serial. */
const opaqueCommonName = (serial: Uint8Array): string =>
  createHash('sha256')
    .update('JPKI-TEST')
    .update(serial)
    .digest('hex')
    .slice(0, 21)
    .toUpperCase()
    .concat('A');

/** First digit of the birth date: 1 明治 2 大正 3 昭和 4 平成 5 令和. */
function eraOf(birthDate: string): number {
  return 1 + ['19120730', '19261225', '19890108', '20190501'].filter((start) => birthDate >= start).length;
}

function issue(
  authority: Authority,
  request: { readonly publicKey: KeyObject; readonly notBeforeMs: number; readonly notAfterMs: number },
  serial: Buffer,
  profile: { readonly subject: Name; readonly extensions: readonly Buffer[] },
): Buffer {
  const template = {
    serial,
    issuer: authority.certificate.subject,
    subject: encodeName(profile.subject),
    publicKey: request.publicKey,
    notBeforeMs: request.notBeforeMs,
    notAfterMs: request.notAfterMs,
    extensions: [
      ...profile.extensions,
      authorityKeyIdentifier(Buffer.from(authority.certificate.keyId, 'hex')),
      subjectKeyIdentifier(Buffer.from(keyIdOf(exportSpki(request.publicKey)), 'hex')),
    ],
  };
  return signCertificate(template, authority.key);
}
