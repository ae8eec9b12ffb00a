/** The gateway's side of the carry-out permit: draws up what is signed, and asks the broker. */
import { toHex } from '#card/bytes.ts';
import type { BrokerLink } from './link.ts';
import { encodePermit } from './permit-message.ts';
import type { PermitDoor } from './sam-access.ts';

export function permitOver(link: BrokerLink, samId: () => string): PermitDoor {
  const listeners = new Set<() => void>();
  link.onEvent(({ event }) => {
    if (event === 'permitChanged') for (const tell of [...listeners]) tell();
  });
  return {
    async message({ operators, ...draft }) {
      const { nonce } = await link.call('permitNonce', {});
      const terms = { ...draft, samId: samId(), nonce, operators: [...operators].sort() };
      return { permitId: nonce, message: encodePermit(terms) };
    },
    async grant(message, keyId, signature) {
      await link.call('grantPermit', { message: toHex(message), keyId, signature: toHex(signature) });
    },
    status: () => link.call('permit', {}),
    async end(reason) {
      await link.call('endPermit', { reason });
    },
    async endNoted(permitId) {
      await link.call('permitEndNoted', { permitId });
    },
    onChanged(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
