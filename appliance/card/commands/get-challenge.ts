/** GET CHALLENGE. @see ISO 7816-4 §11.5.3 */
import { SekishoError } from '#contract/errors.ts';
import type { CardExchange } from '../exchange.ts';
import { INS } from '../instruction.ts';
import { requireOk, type StatusTable } from '../status-word.ts';

export async function getChallenge(
  exchange: CardExchange,
  lengthBytes: number,
  statuses?: StatusTable,
): Promise<Uint8Array> {
  const command = { cla: 0x00, ins: INS.getChallenge, p1: 0x00, p2: 0x00, expectedBytes: lengthBytes };
  const response = await exchange.send(command);
  requireOk(response, statuses);
  if (response.data.length !== lengthBytes) {
    throw new SekishoError('card.protocol', { context: { layer: 'get-challenge', reason: 'length' } });
  }
  return response.data;
}
