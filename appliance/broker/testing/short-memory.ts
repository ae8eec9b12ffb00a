/** A memory that lasts as long as somebody holds it. */
import type { BrokerMemory, Use } from '../use-ledger.ts';

export function makeShortMemory(): BrokerMemory {
  const uses: Use[] = [];
  let roster: Uint8Array | undefined;
  let permit: Uint8Array | undefined;
  return {
    uses,
    recordUse: (use) => void uses.push(use),
    get roster() {
      return roster;
    },
    saveRoster: (update) => {
      roster = update.slice();
    },
    get permit() {
      return permit;
    },
    savePermit: (bytes) => {
      permit = bytes?.slice();
    },
    close: () => {},
  };
}
