/** EXTERNAL AUTHENTICATE: we prove ourselves to the card. @see ISO 7816-4 §11.5.4 */
import type { CardExchange } from '../exchange.ts';
import { INS } from '../instruction.ts';
import { requireOk, type StatusTable } from '../status-word.ts';

export async function externalAuthenticate(
  exchange: CardExchange,
  proof: Uint8Array,
  statuses: StatusTable,
): Promise<void> {
  const header = { cla: 0x00, ins: INS.externalAuthenticate, p1: 0x00, p2: 0x00 };
  requireOk(await exchange.send({ ...header, data: proof, extended: true }), statuses);
}
