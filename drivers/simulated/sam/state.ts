/** What a SAM remembers without power, as JSON. Keys are DER or raw bytes in base64, short values hex. */
export type LifeCycle = 'blank' | 'personalised' | 'disabled';
export type SuiteId = '01' | '02';

export interface OrganisationKey {
  readonly privateKey: string;
  /** The bare 7F21 object; a SAM may hold a key whose certificate comes later. */
  readonly certificate?: string;
}

export interface RosterEntry {
  readonly keyId: string;
  readonly roles: number;
  readonly publicKey: string;
}

export interface Personalisation {
  readonly samId: string;
  readonly institutionCode: string;
  readonly profileId: string;
  readonly deviceKey: string;
  readonly deviceCertificate: string;
  readonly spPublicKey: string;
  readonly offlineMaxUses: number;
  readonly offlineMaxTicks: number;
  readonly tickPeriodMs: number;
  readonly organisation: Partial<Record<SuiteId, OrganisationKey>>;
  readonly idKey: string;
  readonly storageKey: string;
}

export interface ScpKeys {
  readonly encryption: string;
  readonly mac: string;
  readonly dataEncryption: string;
}

export interface SamState {
  readonly format: 'sekisho-sam-state-1';
  readonly testOnly: true;
  lifeCycle: LifeCycle;
  personalisation: Personalisation | undefined;
  /** Never decreases, survives personalisation. */
  useCounter: number;
  rosterVersion: number;
  roster: RosterEntry[];
  readonly scpKeys: ScpKeys;
  /** Counts secure channel sessions; the card challenge is derived from it. */
  scpSequence: number;
}

/** The keys of the published SCP03 vectors (pySim): every blank test SAM has them. */
export const TEST_SCP_KEYS: ScpKeys = {
  encryption: '000102030405060708090A0B0C0D0E0F',
  mac: '101112131415161718191A1B1C1D1E1F',
  dataEncryption: '202122232425262728292A2B2C2D2E2F',
};

/** A SAM as it comes from the factory. */
export function blankSamState(scpKeys: ScpKeys = TEST_SCP_KEYS): SamState {
  return {
    format: 'sekisho-sam-state-1',
    testOnly: true,
    lifeCycle: 'blank',
    personalisation: undefined,
    useCounter: 0,
    rosterVersion: 0,
    roster: [],
    scpKeys,
    scpSequence: 0,
  };
}
