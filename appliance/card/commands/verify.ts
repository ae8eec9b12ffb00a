/**
 * VERIFY: present a PIN, or ask with an empty command how many tries are left (costs none).
 * @see ISO 7816-4 §11.5.6; 63C0, 6984 and 6300: docs/protocol-facts.md 1.3
 */
import type { CardExchange } from '../exchange.ts';
import { INS } from '../instruction.ts';
import { SW, statusToError } from '../status-word.ts';

/** What the card says about reference data. `verified` in a query: already presented in this session. */
export type PinState =
  | { readonly state: 'verified' }
  | { readonly state: 'tries'; readonly left: number }
  | { readonly state: 'unlimited' }
  | { readonly state: 'blocked' };

export async function queryPin(exchange: CardExchange, reference: number): Promise<PinState> {
  const { sw } = await exchange.send({ cla: 0x00, ins: INS.verify, p1: 0x00, p2: reference });
  return pinState(sw);
}

/** Presents `pin` once. Both our copy and the encoded command are overwritten; the caller overwrites its own. */
export async function verifyPin(
  exchange: CardExchange,
  reference: number,
  pin: Uint8Array,
): Promise<PinState> {
  const data = pin.slice();
  try {
    const command = { cla: 0x00, ins: INS.verify, p1: 0x00, p2: reference, data };
    const { sw } = await exchange.send(command, { secret: true });
    return pinState(sw);
  } finally {
    data.fill(0);
  }
}

function pinState(sw: number): PinState {
  if (sw === SW.ok) return { state: 'verified' };
  if (sw === SW.blocked || sw === SW.referenceBlocked || sw === 0x63c0) return { state: 'blocked' };
  if (sw === SW.authenticationFailed) return { state: 'unlimited' };
  if ((sw & 0xfff0) === 0x63c0) return { state: 'tries', left: sw & 0x0f };
  throw statusToError(sw);
}
