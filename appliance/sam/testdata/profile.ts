/** The institution of `personalisation.json`, as a profile to personalise with. For tests only. */
import type { SamPersonalisation, StaticKeys } from '../personalise.ts';
import { fromHex, readVectors, type VectorFile } from './vectors.ts';

export interface PersonalisationFile extends VectorFile {
  readonly staticKeys: { readonly enc: string; readonly mac: string; readonly dek: string };
  readonly hostChallenge: string;
  readonly devicePoint: string;
  /** A well protected answer to GENERATE ASYMMETRIC KEY PAIR with a wrong point. */
  readonly offCurveAnswer: string;
  readonly profile: Readonly<Record<string, string>>;
  readonly offlineLimits: { readonly maxUses: number; readonly maxTicks: number };
}

export const personalisationFile = readVectors<PersonalisationFile>('personalisation');

export const staticKeys: StaticKeys = {
  enc: fromHex(personalisationFile.staticKeys.enc),
  mac: fromHex(personalisationFile.staticKeys.mac),
  dek: fromHex(personalisationFile.staticKeys.dek),
};

/** The same keys as a simulated SAM is made with. */
export const scpKeys = {
  encryption: personalisationFile.staticKeys.enc.toUpperCase(),
  mac: personalisationFile.staticKeys.mac.toUpperCase(),
  dataEncryption: personalisationFile.staticKeys.dek.toUpperCase(),
};

const bytes = (name: string): Uint8Array => fromHex(personalisationFile.profile[name]);
const text = (name: string): string => Buffer.from(bytes(name)).toString();

export const vectorProfile: SamPersonalisation = {
  samId: personalisationFile.profile.samId ?? '',
  institutionCode: text('institutionCode'),
  profileId: text('profileId'),
  deviceCertificate: bytes('deviceCertificate'),
  serviceProviderKey: bytes('serviceProviderKey'),
  offlineLimits: personalisationFile.offlineLimits,
  tickPeriodMs: 1000,
  organisation: {
    'rsa-2048-sha256': { certificate: bytes('certificate01'), privateKey: bytes('privateKey01') },
    'p384-sha384': { certificate: bytes('certificate02'), privateKey: bytes('privateKey02') },
  },
  idDerivationKey: bytes('idDerivationKey'),
  storageKey: bytes('storageKey'),
};
