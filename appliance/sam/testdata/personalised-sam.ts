/** How the tests personalise, unlock and tap, on whatever channel they have. */
import { randomBytes } from 'node:crypto';
import type { CardChannel } from '#card/channel.ts';
import type { Suite } from '#card/suite.ts';
import { systemRandom } from '#ports/random.ts';
import { personaliseSam } from '../personalise.ts';
import { openSam, type Sam, type SignForCardRequest } from '../sam.ts';
import { grantBy, keyIdOf, rosterUpdate, signedByOperator, type Unlock } from './authorities.ts';
import { opensslCertifies } from './openssl.ts';
import { staticKeys, vectorProfile } from './profile.ts';

export const NETWORK = new Uint8Array(16).fill(0xa5);

export const TWO_OPERATORS = [
  { key: 'operatorRsa', roles: 0x03 },
  { key: 'operatorP384', roles: 0x04 },
];

const { samId } = vectorProfile;

export async function personalised(channel: CardChannel): Promise<Sam> {
  const { devicePublicKey, finish } = await personaliseSam(channel, { staticKeys, random: systemRandom });
  await finish({ ...vectorProfile, deviceCertificate: opensslCertifies(devicePublicKey, samId) });
  return openSam(channel);
}

export async function withRoster(channel: CardChannel, version = 1, operators = TWO_OPERATORS): Promise<Sam> {
  const sam = await personalised(channel);
  await sam.updateRoster(rosterUpdate(samId, version, operators));
  return sam;
}

export async function grant(
  sam: Sam,
  change: Partial<Unlock> = {},
  key = 'serviceProvider',
): Promise<Uint8Array> {
  const challenge = await sam.challenge();
  return grantBy(key, { samId, challenge, networkId: NETWORK, maxUses: 3, ...change });
}

export async function unlocked(channel: CardChannel, change: Partial<Unlock> = {}): Promise<Sam> {
  const sam = await personalised(channel);
  await sam.unlockOnline(await grant(sam, change));
  return sam;
}

/** The operator's card signs for `signedNetwork`; what the SAM is told is always NETWORK. */
export async function unlockByOperator(sam: Sam, key: string, signedNetwork = NETWORK): Promise<void> {
  const message = sam.offlineUnlockMessage(await sam.challenge(), signedNetwork);
  const signature = signedByOperator(key, message);
  await sam.unlockOffline({ keyId: keyIdOf(key), networkId: NETWORK, signature });
}

export function tap(suite: Suite = 'rsa-2048-sha256'): SignForCardRequest {
  return {
    suite,
    cardChallenge: randomBytes(16),
    tapId: randomBytes(16),
    consentDigest: randomBytes(32),
  };
}
