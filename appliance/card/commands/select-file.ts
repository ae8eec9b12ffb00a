/** SELECT by DF name and by file identifier. @see ISO 7816-4 §11.2.2; JIS X 6319-3 §6.2 */
import type { ErrorCode } from '#contract/errors.ts';
import type { CommandApdu, ResponseApdu } from '../apdu.ts';
import type { CardExchange } from '../exchange.ts';
import { INS } from '../instruction.ts';
import { requireOk, SW } from '../status-word.ts';

const P1_DF_NAME = 0x04;
const P1_EF_IN_DF = 0x02;
const P2_NO_ANSWER = 0x0c;
const P2_FCI = 0x00;

export interface SelectApplicationOptions {
  /** `fci`: P2 00 and Le, as the HPKI card and the SAM want it; `none`: P2 0C. */
  readonly answer: 'none' | 'fci';
  /** The error for 6A82: this is some other card. */
  readonly absent: ErrorCode;
}

/** Selects by the full AID (a prefix would match too); resolves with the FCI, empty for `none`. */
export async function selectApplication(
  exchange: CardExchange,
  aid: Uint8Array,
  options: SelectApplicationOptions,
): Promise<Uint8Array> {
  const header = { cla: 0x00, ins: INS.selectFile, p1: P1_DF_NAME, data: aid };
  const command: CommandApdu =
    options.answer === 'fci'
      ? { ...header, p2: P2_FCI, expectedBytes: 256 }
      : { ...header, p2: P2_NO_ANSWER };
  const response = await sendFirst(exchange, command);
  // 6A81 and 6D00/6E00: a card that does not know SELECT by name is not ours either.
  const { absent } = options;
  requireOk(response, { 27266: absent, 27265: absent, 27904: absent, 28160: absent });
  return response.data;
}

/** The first command after power-up may answer 6F00 for no reason; it is then sent once more. @see docs/protocol-facts.md 1.3 */
async function sendFirst(exchange: CardExchange, command: CommandApdu): Promise<ResponseApdu> {
  const response = await exchange.send(command);
  return response.sw === SW.firstCommandFault ? exchange.send(command) : response;
}

/** Makes an EF of the current application the current one. */
export async function selectFile(exchange: CardExchange, fileId: number): Promise<void> {
  const data = Uint8Array.of(fileId >> 8, fileId & 0xff);
  requireOk(await exchange.send({ cla: 0x00, ins: INS.selectFile, p1: P1_EF_IN_DF, p2: P2_NO_ANSWER, data }));
}
