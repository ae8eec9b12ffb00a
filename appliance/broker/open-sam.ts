/** One power-up of the SAM, seen through a link. */
import { fromHex, toHex } from '#card/bytes.ts';
import { DataKeyRecipient } from '#sam/data-key-recipient.ts';
import type { Answer } from './commands.ts';
import type { BrokerLink } from './link.ts';
import type { OpenSam } from './sam-access.ts';

const OFFLINE_UNLOCK_LABEL = Buffer.from('SEKISHO-OFFLINE-UNLOCK-1', 'ascii');

export function openSamOver(link: BrokerLink, opened: Answer<'open'>): OpenSam {
  const { powerUp, samId } = opened;
  return {
    samId,
    tickNonce: fromHex(opened.tickNonce),
    get meter() {
      return link.meter;
    },
    async status() {
      const { ticks, tickNonce, networkId, ...status } = await link.call('status', { powerUp });
      return {
        ...status,
        ticks: BigInt(ticks),
        tickNonce: fromHex(tickNonce),
        networkId: networkId === undefined ? undefined : fromHex(networkId),
      };
    },
    challenge: async () => fromHex((await link.call('challenge', { powerUp })).challenge),
    async unlockOnline(grant) {
      await link.call('unlockOnline', { powerUp, grant: toHex(grant) });
    },
    offlineUnlockMessage: (challenge, networkId) =>
      Buffer.concat([OFFLINE_UNLOCK_LABEL, fromHex(samId), challenge, networkId]),
    async unlockOffline({ keyId, networkId, signature }) {
      await link.call('unlockOffline', {
        powerUp,
        keyId: toHex(keyId),
        networkId: toHex(networkId),
        signature: toHex(signature),
      });
    },
    async signForCard({ cardChallenge, ...use }) {
      const { ticks, ...proof } = await link.call('signForCard', {
        powerUp,
        cardChallenge: toHex(cardChallenge),
        ...use,
      });
      return {
        useCounter: proof.useCounter,
        ticks: BigInt(ticks),
        tapChallenge: fromHex(proof.tapChallenge),
        signature: fromHex(proof.signature),
        consentDigest: fromHex(proof.consentDigest),
      };
    },
    tickStamp: (digest) => link.call('tickStamp', { powerUp, digest: toHex(digest) }),
    deriveId: async (data) => fromHex((await link.call('deriveId', { powerUp, data: toHex(data) })).derived),
    generateDataKey: async () => fromHex((await link.call('generateDataKey', { powerUp })).wrapped),
    async unwrapDataKey(wrapped) {
      const recipient = new DataKeyRecipient(fromHex(samId));
      try {
        const ask = { powerUp, recipientPoint: toHex(recipient.point), wrapped: toHex(wrapped) };
        const { samPoint, sealed } = await link.call('unwrapDataKey', ask);
        return recipient.open(wrapped, { samPoint: fromHex(samPoint), sealed: fromHex(sealed) });
      } finally {
        recipient.forget();
      }
    },
    async updateRoster(update) {
      await link.call('updateRoster', { powerUp, update: toHex(update) });
    },
    async lock() {
      await link.call('lock', { powerUp });
    },
    async disable(order) {
      await link.call('disable', { powerUp, order: toHex(order) });
    },
  };
}
