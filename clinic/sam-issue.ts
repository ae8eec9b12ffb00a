/** Gives a blank simulated SAM to the clinic: certificates from the test authorities, keys from the pool. */
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { organisationProfile } from '#card/jpki/organisation-profile.ts';
import type { CentrePki } from '#centre/pki/authority.ts';
import { issueOrganisationCertificate } from '#centre/pki/organisation-certificate.ts';
import { issueSamDevice } from '#centre/pki/role-certificate.ts';
import type { SamKeyRegister } from '#centre/service-provider/sam-keys.ts';
import { SimulatedReader } from '#drivers/simulated/channel.ts';
import { testRsaKey } from '#drivers/simulated/keys/test-keys.ts';
import { SimulatedSam } from '#drivers/simulated/sam/simulated-sam.ts';
import { type SamState, TEST_SCP_KEYS } from '#drivers/simulated/sam/state.ts';
import { systemRandom } from '#ports/random.ts';
import { provisionSam, type SamIssue, type SamIssueRequest } from '#provisioning/personalise-sam.ts';
import { CLINIC } from './identity.ts';

/** The pool's key for the organisation; people and authorities use others (`wallet.ts`, `centre.ts`). */
const ORGANISATION_KEY_INDEX = 19;
const OFFLINE_LIMITS = { maxUses: 50, maxTicks: (4 * 3_600_000) / 10 };
const TICK_PERIOD_MS = 10;

function pkcs8(key: KeyObject): Uint8Array {
  return new Uint8Array(key.export({ type: 'pkcs8', format: 'der' }));
}

function spki(key: KeyObject): Uint8Array {
  return new Uint8Array(createPublicKey(key).export({ type: 'spki', format: 'der' }));
}

/** The part of the centre that gives out SAMs. */
export interface SamIssuer {
  readonly pki: CentrePki;
  readonly samKeys: SamKeyRegister;
}

function issueFor({ pki, samKeys }: SamIssuer, request: SamIssueRequest): SamIssue {
  const credential = (key: KeyObject): SamIssue['organisation']['rsa-2048-sha256'] => ({
    certificate: issueOrganisationCertificate(pki, {
      publicKey: createPublicKey(key),
      institutionCode: request.institutionCode,
    }),
    privateKey: pkcs8(key),
  });
  const deviceKey = createPublicKey({
    key: Buffer.from(request.devicePublicKey),
    type: 'spki',
    format: 'der',
  });
  return {
    deviceCertificate: issueSamDevice(pki, { samId: request.samId, publicKey: deviceKey }),
    serviceProviderKey: spki(pki.serviceProviderKey),
    offlineLimits: OFFLINE_LIMITS,
    tickPeriodMs: TICK_PERIOD_MS,
    organisation: {
      'rsa-2048-sha256': credential(testRsaKey(ORGANISATION_KEY_INDEX)),
      'p384-sha384': credential(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey),
    },
    ...samKeys.keysFor(request.samId, request.institutionCode),
  };
}

/** Personalises a blank SAM over SCP03, as a technician would, and answers its state. */
export async function issueSam(issuer: SamIssuer, samId: string = CLINIC.samId): Promise<SamState> {
  let state: SamState | undefined;
  const sam = new SimulatedSam({
    save: (next) => {
      state = next;
    },
  });
  const slot = new SimulatedReader({ name: 'personalisation' });
  slot.insert(sam);
  const channel = await slot.waitForCard(AbortSignal.timeout(10_000));
  try {
    await provisionSam({
      profile: 'development',
      channel,
      staticKeys: {
        enc: Buffer.from(TEST_SCP_KEYS.encryption, 'hex'),
        mac: Buffer.from(TEST_SCP_KEYS.mac, 'hex'),
        dek: Buffer.from(TEST_SCP_KEYS.dataEncryption, 'hex'),
      },
      random: systemRandom,
      wanted: {
        samId,
        institutionCode: CLINIC.institutionCode,
        profileId: organisationProfile.id,
      },
      issue: async (request) => issueFor(issuer, request),
    });
  } finally {
    await channel.close();
    await slot.close();
  }
  if (state === undefined) throw new Error('the SAM saved nothing');
  return state;
}
