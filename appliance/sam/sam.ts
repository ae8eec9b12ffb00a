/** One open SAM: what the gateway may ask of it. The only face of this room besides personalisation. */
import { equalBytes, toHex } from '#card/bytes.ts';
import type { CardChannel } from '#card/channel.ts';
import type { ApduMeter } from '#card/exchange.ts';
import type { Suite } from '#card/suite.ts';
import {
  computeOrganisationSignature,
  type OrganisationSignature,
  type SamIdentity,
  type SignForCardRequest,
} from './commands/compute-organisation-signature.ts';
import { generateDataKey, type SealedDataKey, unwrapDataKey } from './commands/data-key.ts';
import { deriveId } from './commands/derive-id.ts';
import { disableSam } from './commands/disable.ts';
import {
  type OfflineUnlock,
  offlineUnlockMessage,
  unlockOffline,
  unlockOnline,
} from './commands/external-authenticate.ts';
import { getChallenge } from './commands/get-challenge.ts';
import {
  getDeviceCertificate,
  getInstitutionCode,
  getOrganisationCertificate,
  getProfileId,
  getStatus,
  type SamStatus,
} from './commands/get-data.ts';
import { signDeviceProof } from './commands/internal-authenticate.ts';
import { lockSam } from './commands/lock.ts';
import { updateRoster } from './commands/roster-update.ts';
import { selectSam } from './commands/select.ts';
import { requestTickStamp } from './commands/tick-stamp.ts';
import { openLine, type SamLine } from './line.ts';
import { malformed } from './messages.ts';
import type { TickStamp } from './tick-stamp.ts';

export type { OrganisationSignature, SignForCardRequest } from './commands/compute-organisation-signature.ts';
export type { SealedDataKey } from './commands/data-key.ts';
export type { OfflineUnlock } from './commands/external-authenticate.ts';
export type { SamState, SamStatus } from './commands/get-data.ts';
export type { TickStamp } from './tick-stamp.ts';

/** Commands run one after another. Every failure is a `sam.*` error. */
export interface Sam {
  /** Lower-case hexadecimal, 16 digits; zeros while blank. */
  readonly samId: string;
  /** The nonce of this power-up, which every tap challenge and tick stamp contains. */
  readonly tickNonce: Uint8Array;
  readonly meter: ApduMeter;
  status(): Promise<SamStatus>;
  /** X.509 DER. */
  deviceCertificate(): Promise<Uint8Array>;
  /** Ten digits. */
  institutionCode(): Promise<string>;
  /** For example `sekisho-ref-1`. */
  profileId(): Promise<string>;
  /** DER signature of the device key over "SEKISHO-DEVICE-1" ‖ data (32 bytes); also while locked. */
  signDeviceProof(data: Uint8Array): Promise<Uint8Array>;
  /** 32 bytes, for one unlock or disable. */
  challenge(): Promise<Uint8Array>;
  unlockOnline(grant: Uint8Array): Promise<void>;
  /** M2, which the operator's card signs. */
  offlineUnlockMessage(challenge: Uint8Array, networkId: Uint8Array): Uint8Array;
  unlockOffline(unlock: OfflineUnlock): Promise<void>;
  /** The complete 7F21 object; unlocked only. */
  organisationCertificate(suite: Suite): Promise<Uint8Array>;
  /** Uses the organisation key once. */
  signForCard(request: SignForCardRequest): Promise<OrganisationSignature>;
  tickStamp(digest: Uint8Array): Promise<TickStamp>;
  deriveId(data: Uint8Array): Promise<Uint8Array>;
  /** A new data key, made in the SAM and wrapped: 40 bytes. */
  generateDataKey(): Promise<Uint8Array>;
  /** Sealed to the holder of `recipientPoint`. */
  unwrapDataKey(recipientPoint: Uint8Array, wrapped: Uint8Array): Promise<SealedDataKey>;
  updateRoster(update: Uint8Array): Promise<void>;
  lock(): Promise<void>;
  disable(order: Uint8Array): Promise<void>;
  /** Takes the power off the SAM, which locks it. */
  close(): Promise<void>;
}

/** Selects the application, which locks a SAM that was unlocked before. `channel` is the Sam's from now on, closed when this rejects. */
export async function openSam(channel: CardChannel): Promise<Sam> {
  const line = openLine(channel);
  try {
    const { samId } = await selectSam(line);
    const { tickNonce } = await getStatus(line);
    return samOn(line, { samId, tickNonce });
  } catch (thrown) {
    await line.close();
    throw thrown;
  }
}

function samOn(line: SamLine, identity: SamIdentity): Sam {
  return {
    samId: toHex(identity.samId),
    tickNonce: identity.tickNonce,
    get meter() {
      return line.exchange.meter;
    },
    status: async () => sameSam(await getStatus(line), identity),
    deviceCertificate: () => getDeviceCertificate(line),
    institutionCode: () => getInstitutionCode(line),
    profileId: () => getProfileId(line),
    signDeviceProof: (data) => signDeviceProof(line, data),
    challenge: () => getChallenge(line),
    unlockOnline: (grant) => unlockOnline(line, grant),
    offlineUnlockMessage: (challenge, networkId) =>
      offlineUnlockMessage(identity.samId, challenge, networkId),
    unlockOffline: (unlock) => unlockOffline(line, unlock),
    organisationCertificate: (suite) => getOrganisationCertificate(line, suite),
    signForCard: (request) => computeOrganisationSignature(line, identity, request),
    tickStamp: (digest) => requestTickStamp(line, identity, digest),
    deriveId: (data) => deriveId(line, data),
    generateDataKey: () => generateDataKey(line),
    unwrapDataKey: (recipientPoint, wrapped) => unwrapDataKey(line, recipientPoint, wrapped),
    updateRoster: (update) => updateRoster(line, update),
    lock: () => lockSam(line),
    disable: (order) => disableSam(line, order),
    close: () => line.close(),
  };
}

/** A SAM that was exchanged or reset under an open line is another SAM. */
function sameSam(status: SamStatus, identity: SamIdentity): SamStatus {
  if (status.samId !== toHex(identity.samId) || !equalBytes(status.tickNonce, identity.tickNonce)) {
    throw malformed('SAM changed');
  }
  return status;
}
