/** A card that answers as long as it is asked to: for the ways of long blocks. */
import { concat } from '../../bytes.ts';
import { atqbOf } from '../../card/identity.ts';
import type { LinkImage } from '../../card/image.ts';
import { WorkLog } from '../../virtual-card.ts';
import type { ContactlessCard } from '../card-work.ts';

export const TYPE_B: LinkImage = { type: 'B', applicationData: '000041E0', protocolInfo: 'B381A1' };
export const TYPE_A: LinkImage = { type: 'A', atqa: '0004', sak: '20', ats: '0578807002' };

export class EchoCard implements ContactlessCard {
  readonly device = 'card';
  readonly atr = new Uint8Array();
  readonly work = new WorkLog();
  readonly link: LinkImage;
  readonly commands: Uint8Array[] = [];
  isPowered = false;
  readonly #pupi: Uint8Array;

  constructor(link: LinkImage = TYPE_B, pupi = Uint8Array.of(0xde, 0xad, 0xbe, 0xef)) {
    this.link = link;
    this.#pupi = pupi;
  }

  get atqb(): Uint8Array | undefined {
    return atqbOf(this.link, this.#pupi);
  }

  powerOn(): void {
    this.isPowered = true;
  }

  powerOff(): void {
    this.isPowered = false;
  }

  warmReset(): void {}

  /** The command, repeated until P1 P2 bytes are there, and 9000. */
  process(command: Uint8Array): Uint8Array {
    this.commands.push(command);
    const [, , p1 = 0, p2 = 0] = command;
    const data = new Uint8Array(p1 * 256 + p2).map((_byte, at) => command[at % command.length] ?? 0);
    return concat(data, Uint8Array.of(0x90, 0x00));
  }
}

/** A command of `lengthBytes` that asks for an answer of `answerBytes` and a status word. */
export function echoCommand(lengthBytes: number, answerBytes: number): Uint8Array {
  const command = Uint8Array.from({ length: lengthBytes }, (_value, at) => (at * 7) & 0xff);
  command.set([0x00, 0xee, answerBytes >> 8, answerBytes & 0xff]);
  return command;
}
