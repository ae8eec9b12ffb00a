/** INTERNAL AUTHENTICATE: the card proves itself over our challenge. @see ISO 7816-4 §11.5.2 */
import type { CardExchange } from '../exchange.ts';
import { INS } from '../instruction.ts';
import { requireOk, type StatusTable } from '../status-word.ts';

/** `reference` is P2: `80 | short id` of the key, 99 for key 0019 of the common application. */
export async function internalAuthenticate(
  exchange: CardExchange,
  reference: number,
  challenge: Uint8Array,
  statuses?: StatusTable,
): Promise<Uint8Array> {
  const header = { cla: 0x00, ins: INS.internalAuthenticate, p1: 0x00, p2: reference };
  const response = await exchange.send({ ...header, data: challenge, expectedBytes: 256 });
  requireOk(response, statuses);
  return response.data;
}
