/** End-entity certificates of operators, SAMs and TLS peers. */
import type { KeyObject } from 'node:crypto';
import { type Authority, type CentrePki, HIERARCHY_VALIDITY } from './authority.ts';
import { exportSpki, keyIdOf, randomSerial, signCertificate } from './certificate.ts';
import {
  authorityKeyIdentifier,
  certificatePolicy,
  EXTENDED_KEY_USAGE,
  extendedKeyUsage,
  healthcareRoles,
  hostNames,
  KEY_USAGE,
  keyUsage,
  subjectKeyIdentifier,
} from './extension.ts';
import { encodeName, type Name } from './name.ts';

/** Test policy of ours under the arc of the HPKI authentication policies; the real leaf is not public text. */
const HPKI_TEST_POLICY = '1.2.392.100495.1.5.1.2.0.1';

interface RoleProfile {
  readonly subject: Name;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Buffer[];
  readonly serial?: string | undefined;
  readonly notBeforeMs?: number | undefined;
  readonly notAfterMs?: number | undefined;
}

function issue(authority: Authority, profile: RoleProfile): Buffer {
  const template = {
    serial: profile.serial === undefined ? randomSerial() : Buffer.from(profile.serial, 'hex'),
    issuer: authority.certificate.subject,
    subject: encodeName(profile.subject),
    publicKey: profile.publicKey,
    notBeforeMs: profile.notBeforeMs ?? HIERARCHY_VALIDITY.notBeforeMs,
    notAfterMs: profile.notAfterMs ?? HIERARCHY_VALIDITY.notAfterMs,
    extensions: [
      ...profile.extensions,
      authorityKeyIdentifier(Buffer.from(authority.certificate.keyId, 'hex')),
      subjectKeyIdentifier(Buffer.from(keyIdOf(exportSpki(profile.publicKey)), 'hex')),
    ],
  };
  return signCertificate(template, authority.key);
}

export interface HpkiRequest {
  readonly publicKey: KeyObject;
  readonly commonName: string;
  /** hcRole titles, for example "Medical Doctor"; office staff have none. */
  readonly roles: readonly string[];
  /** Directors also name their institution, in Latin letters. */
  readonly organisation?: string;
  readonly serial?: string;
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
}

export function issueHpkiAuthentication(pki: CentrePki, request: HpkiRequest): Buffer {
  const institution: Name =
    request.organisation === undefined
      ? []
      : [
          ['O', request.organisation],
          ['OU', 'Director'],
        ];
  return issue(pki.hpkiAuthentication, {
    subject: [['C', 'JP'], ...institution, ['CN', request.commonName]],
    publicKey: request.publicKey,
    serial: request.serial,
    notBeforeMs: request.notBeforeMs,
    notAfterMs: request.notAfterMs,
    extensions: [
      keyUsage(KEY_USAGE.digitalSignature),
      certificatePolicy(HPKI_TEST_POLICY, 'http://hpki.example.invalid/cps.html'),
      ...(request.roles.length === 0 ? [] : [healthcareRoles(request.roles)]),
    ],
  });
}

/** Device certificate of a SAM; its common name is the SAM id, 16 lower-case hex digits. */
export function issueSamDevice(pki: CentrePki, request: { samId: string; publicKey: KeyObject }): Buffer {
  return issue(pki.samDevice, {
    subject: [
      ['C', 'JP'],
      ['O', 'Sekisho SAM'],
      ['CN', request.samId],
    ],
    publicKey: request.publicKey,
    extensions: [keyUsage(KEY_USAGE.digitalSignature)],
  });
}

export function issueTlsServer(
  pki: CentrePki,
  request: { hosts: readonly string[]; publicKey: KeyObject },
): Buffer {
  return issue(pki.centreTls, {
    subject: [['CN', request.hosts[0] ?? 'localhost']],
    publicKey: request.publicKey,
    extensions: [
      keyUsage(KEY_USAGE.digitalSignature),
      extendedKeyUsage([EXTENDED_KEY_USAGE.serverAuth], false),
      hostNames(request.hosts),
    ],
  });
}

/** TLS client certificate of an appliance; its common name is the institution code. */
export function issueTlsClient(
  pki: CentrePki,
  request: { institutionCode: string; publicKey: KeyObject },
): Buffer {
  return issue(pki.centreTls, {
    subject: [
      ['C', 'JP'],
      ['CN', request.institutionCode],
    ],
    publicKey: request.publicKey,
    extensions: [
      keyUsage(KEY_USAGE.digitalSignature),
      extendedKeyUsage([EXTENDED_KEY_USAGE.clientAuth], false),
    ],
  });
}
