/** The issuer security domain: selected after power-up, answers GET DATA. */
import { fromHex, toHex, uint } from '../bytes.ts';
import { answer, type Command, refuse, SW } from '../command.ts';

/** Objects longer than a short answer are refused to a short Le. */
const SHORT_ANSWER_BYTES = 256;

export class IssuerDomain {
  readonly #objects: Readonly<Record<string, string>>;

  constructor(objects: Readonly<Record<string, string>>) {
    this.#objects = objects;
  }

  process({ cla, ins, p1, p2, data, le }: Command): Uint8Array {
    if (cla !== 0x00 && cla !== 0x80) return refuse(SW.claNotSupported);
    // SELECT of a file is 6A86 outside an application, of the MF by name 6A82.
    if (ins === 0xa4) return refuse(data.length === 0 ? SW.wrongP1P2 : SW.fileNotFound);
    if (ins !== 0xca) return refuse(SW.insNotSupported);
    const content = this.#objects[toHex(uint(p1 * 256 + p2, 2))];
    if (content === undefined) return refuse(SW.referenceNotFound);
    const bytes = fromHex(content);
    if (le === undefined || (bytes.length > SHORT_ANSWER_BYTES && le <= SHORT_ANSWER_BYTES)) {
      return refuse(SW.wrongLength);
    }
    return answer(bytes);
  }
}
