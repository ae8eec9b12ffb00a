/** The verb "personalise the SAM": a blank or disabled SAM becomes the SAM of one institution. */
import { type KeyObject, verify, X509Certificate } from 'node:crypto';
import type { CardChannel } from '#card/channel.ts';
import { SekishoError } from '#contract/errors.ts';
import type { Random } from '#ports/random.ts';
import { deviceProofMessage } from '#sam/commands/internal-authenticate.ts';
import { personaliseSam, type SamPersonalisation, type StaticKeys } from '#sam/personalise.ts';
import { openSam, type Sam } from '#sam/sam.ts';
import { requireOwnKeys, requireOwnStaticKeys } from './own-keys.ts';
import { runSteps, type Step, type StepOutcome } from './steps.ts';

/** Who the SAM shall be. */
export type WantedSam = Pick<SamPersonalisation, 'samId' | 'institutionCode' | 'profileId'>;

export interface SamIssueRequest extends WantedSam {
  /** DER SubjectPublicKeyInfo (P-256) of the key that the SAM made. */
  readonly devicePublicKey: Uint8Array;
}

/** What the centre gives for it. */
export type SamIssue = Omit<SamPersonalisation, keyof WantedSam>;

export interface SamProvisioning {
  /** `production` refuses every key that is published with this software. */
  readonly profile: 'production' | 'development';
  /** Stays open unless the SAM fails; the caller closes it in the end. */
  readonly channel: CardChannel;
  readonly staticKeys: StaticKeys;
  readonly random: Random;
  readonly wanted: WantedSam;
  readonly issue: (request: SamIssueRequest) => Promise<SamIssue>;
}

/**
 * Leaves a SAM alone that already is who it shall be. Rejects with `sam.*`, `config.invalid` for published keys in
 * production (and then nothing was stored), or with what `issue` rejected.
 */
export async function provisionSam(provisioning: SamProvisioning): Promise<StepOutcome> {
  let outcome: StepOutcome = 'done';
  await runSteps([samStep(provisioning)], (_, reported) => {
    outcome = reported;
  });
  return outcome;
}

function samStep(provisioning: SamProvisioning): Step {
  const { profile, channel, wanted, issue, random, staticKeys } = provisioning;
  return {
    describe: `The SAM ${wanted.samId} belongs to institution ${wanted.institutionCode}.`,
    check: async () => isSam(await openSam(channel), wanted),
    async apply() {
      if (profile === 'production') requireOwnStaticKeys(staticKeys);
      const { devicePublicKey, finish } = await personaliseSam(channel, { staticKeys, random });
      const issued = await issue({ ...wanted, devicePublicKey });
      if (profile === 'production') requireOwnKeys(issued);
      await finish({ ...wanted, ...issued });
    },
    async verify() {
      const sam = await openSam(channel);
      if (!(await isSam(sam, wanted)) || !(await provesDeviceKey(sam, random))) {
        throw new SekishoError('sam.personalisation-failed', { context: { step: 'verify' } });
      }
    },
  };
}

async function isSam(sam: Sam, wanted: WantedSam): Promise<boolean> {
  const { state, samId } = await sam.status();
  if (state === 'blank' || state === 'disabled' || samId !== wanted.samId) {
    return false;
  }
  const [institutionCode, profileId] = await Promise.all([sam.institutionCode(), sam.profileId()]);
  return institutionCode === wanted.institutionCode && profileId === wanted.profileId;
}

/** The stored certificate must be for the key inside: a certificate for another key would only show at the first unlock. */
async function provesDeviceKey(sam: Sam, random: Random): Promise<boolean> {
  const challenge = random.bytes(32);
  const key = publicKeyOf(await sam.deviceCertificate());
  const signature = await sam.signDeviceProof(challenge);
  return key !== undefined && verify('sha256', deviceProofMessage(challenge), key, signature);
}

function publicKeyOf(certificate: Uint8Array): KeyObject | undefined {
  try {
    return new X509Certificate(certificate).publicKey;
  } catch {
    return undefined;
  }
}
