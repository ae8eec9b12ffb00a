/** The whole test hierarchy of a region: every authority, signing key and role certificate, in one folder. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { generatePrivateKey, type KeyKind } from './algorithm.ts';
import { type Certificate, exportSpki, keyIdOf, randomSerial, signCertificate } from './certificate.ts';
import {
  authorityBasicConstraints,
  authorityKeyIdentifier,
  crlDistributionPoint,
  EXTENDED_KEY_USAGE,
  extendedKeyUsage,
  KEY_USAGE,
  keyUsage,
  ocspNoCheck,
  subjectKeyIdentifier,
} from './extension.ts';
import { type KeyFolder, openKeyFolder } from './key-folder.ts';
import { encodeName, type Name } from './name.ts';

export interface Credential {
  readonly key: KeyObject;
  readonly certificate: Certificate;
}

export interface Authority extends Credential {
  readonly label: string;
  /** PEM of the authority's own certificate. */
  readonly certificateFile: string;
  /** Signs OCSP answers for this authority (RFC 6960 §4.2.2.2). */
  readonly ocspResponder: Credential;
}

/** Root of card-verifiable organisation certificates: what a card holds as EF 0016. */
export interface OrganisationRoot {
  readonly key: KeyObject;
  /** issuerKeyId of the certificates, 16 bytes. */
  readonly keyId: Buffer;
}

const JPKI_GENERATIONS = ['g1', 'g2', 'p384'] as const;
/** Two RSA generations under one name, and the P-384 authority of the next card. */
export type JpkiGeneration = (typeof JPKI_GENERATIONS)[number];
export type OrganisationSuite = 'rsa-2048' | 'p-384';

export interface CentrePki {
  readonly folder: string;
  readonly jpkiAuthentication: Readonly<Record<JpkiGeneration, Authority>>;
  readonly jpkiSigning: Authority;
  readonly hpkiRoot: Credential;
  readonly hpkiAuthentication: Authority;
  readonly samDevice: Authority;
  readonly centreTls: Authority;
  readonly timeStampRoot: Credential;
  readonly timeStamper: Credential;
  /** Recipient of sealed evidence: CMS EnvelopedData, RSA key transport. */
  readonly audit: Credential;
  readonly organisationRoots: Readonly<Record<OrganisationSuite, OrganisationRoot>>;
  /** Signs SAM grants, rosters and disable orders (P-256). */
  readonly serviceProviderKey: KeyObject;
  /** What a SAM is personalised with (DGI 0105, as SubjectPublicKeyInfo). */
  readonly serviceProviderPublicKey: KeyObject;
  /** PEM file of a certificate in the folder: `jpki-authentication-g1`, `centre-tls`, `time-stamp-root`, … */
  certificateFile(label: string): string;
}

/** Long enough that a demonstration never meets the end of its own hierarchy. */
export const HIERARCHY_VALIDITY = {
  notBeforeMs: Date.UTC(2015, 0, 1),
  notAfterMs: Date.UTC(2045, 11, 31, 14, 59, 59),
};

const LOCAL_AUTHORITY_AGENCY = 'Japan Agency for Local Authority Information Systems';

const jpkiName = (service: string): Name => [
  ['C', 'JP'],
  ['O', 'JPKI-TEST'],
  ['OU', service],
  ['OU', LOCAL_AUTHORITY_AGENCY],
];

export const JPKI_AUTHENTICATION_NAME = jpkiName('JPKI for user authentication');
export const JPKI_SIGNING_NAME = jpkiName('JPKI for digital signature');

const hpkiName = (commonName: string): Name => [
  ['C', 'JP'],
  ['O', 'HPKI-TEST'],
  ['CN', commonName],
];

const centreName = (commonName: string): Name => [
  ['C', 'JP'],
  ['O', 'Sekisho test centre'],
  ['CN', commonName],
];

export interface CentrePkiOptions {
  /** Gives RSA-2048 private keys by label instead of generating them, which takes a quarter of a second each. */
  readonly rsaKey?: (label: string) => KeyObject;
}

/** Creates what is missing in `folder` and loads the rest. */
export function openCentrePki(folder: string, options: CentrePkiOptions = {}): CentrePki {
  const files = openKeyFolder(folder);
  const keyOf = (label: string, kind: KeyKind): KeyObject =>
    files.key(label, () =>
      kind === 'rsa-2048' && options.rsaKey !== undefined ? options.rsaKey(label) : generatePrivateKey(kind),
    );
  const maker = { files, keyOf };
  const serviceProviderKey = keyOf('service-provider', 'p-256');
  const hpkiRoot = openRoot(maker, 'hpki-root', 'rsa-2048', hpkiName('HPKI-TEST Root CA'));
  const timeStampRoot = openRoot(maker, 'time-stamp-root', 'p-256', centreName('Time stamp root'));
  const jpki = (label: string, kind: KeyKind): Authority =>
    openAuthority(maker, `jpki-authentication-${label}`, kind, JPKI_AUTHENTICATION_NAME, jpkiExtensions);
  return {
    folder,
    jpkiAuthentication: {
      g1: jpki('g1', 'rsa-2048'),
      g2: jpki('g2', 'rsa-2048'),
      p384: jpki('p384', 'p-384'),
    },
    jpkiSigning: openAuthority(maker, 'jpki-signing', 'rsa-2048', JPKI_SIGNING_NAME, jpkiExtensions),
    hpkiRoot,
    hpkiAuthentication: openHpkiAuthority(maker, hpkiRoot),
    samDevice: openAuthority(maker, 'sam-device', 'p-256', centreName('SAM device authority')),
    centreTls: openAuthority(maker, 'centre-tls', 'p-256', centreName('TLS authority')),
    timeStampRoot,
    timeStamper: openTimeStamper(maker, timeStampRoot),
    audit: openAudit(maker),
    organisationRoots: {
      'rsa-2048': { key: keyOf('organisation-rsa-2048', 'rsa-2048'), keyId: rootKeyId('ORGROOT-01') },
      'p-384': { key: keyOf('organisation-p-384', 'p-384'), keyId: rootKeyId('ORGROOT-02') },
    },
    serviceProviderKey,
    serviceProviderPublicKey: createPublicKey(serviceProviderKey),
    certificateFile: files.certificateFile,
  };
}

interface Maker {
  readonly files: KeyFolder;
  readonly keyOf: (label: string, kind: KeyKind) => KeyObject;
}

/** Key id of a root in the layout of subject key ids: test hierarchy, name, no expiry. */
const rootKeyId = (name: string): Buffer =>
  Buffer.concat([Buffer.from(`6000${name}`, 'ascii'), Buffer.alloc(2)]);

const publicKeyId = (key: KeyObject): Buffer => Buffer.from(keyIdOf(exportSpki(createPublicKey(key))), 'hex');

const jpkiExtensions = (name: Name): Buffer[] => [crlDistributionPoint([...name, ['CN', 'ARL']])];

const authorityExtensions = (key: KeyObject, pathLength?: number): Buffer[] => [
  keyUsage(KEY_USAGE.keyCertSign, KEY_USAGE.cRLSign),
  authorityBasicConstraints(pathLength),
  subjectKeyIdentifier(publicKeyId(key)),
];

interface Issue {
  readonly subject: Buffer;
  readonly key: KeyObject;
  readonly extensions: readonly Buffer[];
}

function issueBy(issuer: Credential, { subject, key, extensions }: Issue): Buffer {
  const template = {
    serial: randomSerial(),
    issuer: issuer.certificate.subject,
    subject,
    publicKey: createPublicKey(key),
    extensions: [
      ...extensions,
      subjectKeyIdentifier(publicKeyId(key)),
      authorityKeyIdentifier(Buffer.from(issuer.certificate.keyId, 'hex')),
    ],
    ...HIERARCHY_VALIDITY,
  };
  return signCertificate(template, issuer.key);
}

function issueSelfSigned({ subject, key, extensions }: Issue): Buffer {
  const template = {
    serial: randomSerial(),
    issuer: subject,
    subject,
    publicKey: createPublicKey(key),
    extensions,
    ...HIERARCHY_VALIDITY,
  };
  return signCertificate(template, key);
}

function openRoot(
  maker: Maker,
  label: string,
  kind: KeyKind,
  name: Name,
  extra: readonly Buffer[] = [],
): Credential {
  const key = maker.keyOf(label, kind);
  const certificate = maker.files.certificate(label, () =>
    issueSelfSigned({
      subject: encodeName(name),
      key,
      extensions: [...authorityExtensions(key), ...extra],
    }),
  );
  return { key, certificate };
}

function openAuthority(
  maker: Maker,
  label: string,
  kind: KeyKind,
  name: Name,
  extra: (name: Name) => Buffer[] = () => [],
): Authority {
  return withResponder(maker, label, openRoot(maker, label, kind, name, extra(name)));
}

function openHpkiAuthority(maker: Maker, root: Credential): Authority {
  const label = 'hpki-authentication';
  const key = maker.keyOf(label, 'rsa-2048');
  const certificate = maker.files.certificate(label, () =>
    issueBy(root, {
      subject: encodeName(hpkiName('HPKI-TEST CA for user authentication')),
      key,
      extensions: [keyUsage(KEY_USAGE.keyCertSign, KEY_USAGE.cRLSign), authorityBasicConstraints(0)],
    }),
  );
  return withResponder(maker, label, { key, certificate });
}

function withResponder(maker: Maker, label: string, authority: Credential): Authority {
  const key = maker.keyOf('ocsp-responder', 'p-256');
  const certificate = maker.files.certificate(`${label}-ocsp`, () =>
    issueBy(authority, {
      subject: encodeName(centreName(`OCSP responder ${label}`)),
      key,
      extensions: [
        keyUsage(KEY_USAGE.digitalSignature),
        extendedKeyUsage([EXTENDED_KEY_USAGE.ocspSigning], false),
        ocspNoCheck(),
      ],
    }),
  );
  const certificateFile = maker.files.certificateFile(label);
  return { label, ...authority, certificateFile, ocspResponder: { key, certificate } };
}

function openTimeStamper(maker: Maker, root: Credential): Credential {
  const key = maker.keyOf('time-stamper', 'p-256');
  const certificate = maker.files.certificate('time-stamper', () =>
    issueBy(root, {
      subject: encodeName(centreName('Time stamp authority')),
      key,
      // RFC 3161 §2.3: this one purpose only, and critical.
      extensions: [
        keyUsage(KEY_USAGE.digitalSignature),
        extendedKeyUsage([EXTENDED_KEY_USAGE.timeStamping], true),
      ],
    }),
  );
  return { key, certificate };
}

function openAudit(maker: Maker): Credential {
  const key = maker.keyOf('audit', 'rsa-2048');
  const certificate = maker.files.certificate('audit', () =>
    issueSelfSigned({
      subject: encodeName(centreName('Evidence audit')),
      key,
      extensions: [keyUsage(KEY_USAGE.keyEncipherment), subjectKeyIdentifier(publicKeyId(key))],
    }),
  );
  return { key, certificate };
}
