/** The commands that reach the SAM: what must be true for each, and how it is asked. */
import { fromHex, toHex } from '#card/bytes.ts';
import { SekishoError } from '#contract/errors.ts';
import type { Answer, Ask, CommandName } from './commands.ts';
import type { Policy } from './policy.ts';
import type { PoweredSam } from './sam-power.ts';

export interface SamCommandParts {
  readonly policy: Policy;
  /** The power goes off, and everything that was proven is forgotten. */
  readonly wipe: (reason: string) => Promise<void>;
}

/** The names of the commands that carry the power-up they are for. */
export type SamCommandName = {
  [Name in CommandName]: Ask<Name> extends { readonly powerUp: number } ? Name : never;
}[CommandName];

export type SamCommands = {
  readonly [Name in SamCommandName]: (powered: PoweredSam, ask: Ask<Name>) => Promise<Answer<Name>>;
};

const NOTHING: Record<string, never> = {};

export function makeSamCommands({ policy, wipe }: SamCommandParts): SamCommands {
  const requireOpen = (powered: PoweredSam): void => {
    if (!powered.isUnlocked) throw new SekishoError('sam.locked');
    policy.requirePlace();
  };

  /** A SAM that opened outside its place, or for another network than the pinned one, is shut at once. */
  const unlocking = async (powered: PoweredSam, work: () => Promise<void>): Promise<typeof NOTHING> => {
    powered.isUnlocked = false;
    await work();
    const { networkId } = await powered.sam.status();
    const wanted = policy.lease?.networkId;
    const isHere = wanted === undefined || (networkId !== undefined && toHex(networkId) === toHex(wanted));
    if (!isHere || !policy.isPlaceAllowed) {
      void wipe('unlocked-elsewhere');
      throw new SekishoError('network.foreign');
    }
    powered.isUnlocked = true;
    return NOTHING;
  };

  return {
    async status(powered) {
      const { networkId, ...status } = await powered.sam.status();
      if (!status.state.startsWith('unlocked')) powered.isUnlocked = false;
      return {
        ...status,
        ticks: status.ticks.toString(),
        tickNonce: toHex(status.tickNonce),
        brokerRosterVersion: policy.rosterVersion,
        ...(networkId === undefined ? {} : { networkId: toHex(networkId) }),
      };
    },
    async deviceCertificate({ sam }) {
      return { certificate: toHex(await sam.deviceCertificate()) };
    },
    async signDeviceProof({ sam }, { data }) {
      return { signature: toHex(await sam.signDeviceProof(fromHex(data))) };
    },
    async challenge({ sam }) {
      return { challenge: toHex(await sam.challenge()) };
    },
    async unlockOnline(powered, { grant }) {
      policy.requireHome();
      return unlocking(powered, () => powered.sam.unlockOnline(fromHex(grant)));
    },
    async unlockOffline(powered, { keyId, networkId, signature }) {
      policy.requirePlaceFor(keyId);
      return unlocking(powered, () =>
        powered.sam.unlockOffline({
          keyId: fromHex(keyId),
          networkId: fromHex(networkId),
          signature: fromHex(signature),
        }),
      );
    },
    async lock(powered) {
      powered.isUnlocked = false;
      await powered.sam.lock();
      return NOTHING;
    },
    async disable(powered, { order }) {
      await powered.sam.disable(fromHex(order));
      powered.isUnlocked = false;
      return NOTHING;
    },
    async updateRoster({ sam }, { update }) {
      const roster = fromHex(update);
      const { rosterVersion } = await sam.status();
      policy.takeRoster(roster, sam.samId, rosterVersion);
      // The SAM may know it already, from a broker before this one.
      if (rosterVersion < policy.rosterVersion) await sam.updateRoster(roster);
      return NOTHING;
    },
    async organisationCertificate(powered, { suite }) {
      requireOpen(powered);
      return { certificate: toHex(await powered.sam.organisationCertificate(suite)) };
    },
    /** The one use of the organisation key. Nothing is waited for between the rules and the command. */
    async signForCard(powered, ask) {
      requireOpen(powered);
      const consentDigest = policy.admitUse(ask);
      const { useCounter, ticks, tapChallenge, signature } = await powered.sam.signForCard({
        suite: ask.suite,
        cardChallenge: fromHex(ask.cardChallenge),
        tapId: fromHex(ask.tapId.replaceAll('-', '')),
        consentDigest,
      });
      return {
        useCounter,
        ticks: ticks.toString(),
        tapChallenge: toHex(tapChallenge),
        signature: toHex(signature),
        consentDigest: toHex(consentDigest),
      };
    },
    async tickStamp({ sam }, { digest }) {
      return sam.tickStamp(fromHex(digest));
    },
    async deriveId(powered, { data }) {
      requireOpen(powered);
      policy.admitDerivation();
      return { derived: toHex(await powered.sam.deriveId(fromHex(data))) };
    },
    async generateDataKey(powered) {
      requireOpen(powered);
      return { wrapped: toHex(await powered.sam.generateDataKey()) };
    },
    async unwrapDataKey(powered, { recipientPoint, wrapped }) {
      requireOpen(powered);
      const { samPoint, sealed } = await powered.sam.unwrapDataKey(fromHex(recipientPoint), fromHex(wrapped));
      return { samPoint: toHex(samPoint), sealed: toHex(sealed) };
    },
  };
}
