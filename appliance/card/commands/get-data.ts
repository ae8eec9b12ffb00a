/** GET DATA, even INS. @see ISO 7816-4 §11.4.3 */
import type { CardExchange } from '../exchange.ts';
import { INS } from '../instruction.ts';
import { requireOk, type StatusTable, SW } from '../status-word.ts';

const EXTENDED_EXPECTED_BYTES = 65_536;

/** Reads the data object `tag` (one or two bytes). A card that answers 6700 to a short Le gets an extended one. */
export async function getData(
  exchange: CardExchange,
  tag: number,
  statuses?: StatusTable,
): Promise<Uint8Array> {
  const header = { cla: 0x00, ins: INS.getData, p1: tag >> 8, p2: tag & 0xff };
  let response = await exchange.send({ ...header, expectedBytes: 256 });
  if (response.sw === SW.wrongLength) {
    response = await exchange.send({ ...header, expectedBytes: EXTENDED_EXPECTED_BYTES });
  }
  requireOk(response, statuses);
  return response.data;
}
