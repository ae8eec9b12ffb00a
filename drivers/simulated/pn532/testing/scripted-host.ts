/** A host that speaks to the chip byte by byte in this process, and looks at everything that comes back. */
import { concat, fromHex, toHex } from '../../bytes.ts';
import type { SerialLine } from '../serial-port.ts';

/** Frames that a host sends, written out so that no code of the chip judges itself. */
export function frameOf(body: string): Uint8Array {
  const bytes = concat(Uint8Array.of(0xd4), fromHex(body));
  const total = bytes.reduce((sum, byte) => sum + byte, 0);
  const { length } = bytes;
  const header =
    length < 256
      ? [length, (256 - length) & 0xff]
      : [0xff, 0xff, length >> 8, length & 0xff, (512 - (length >> 8) - (length & 0xff)) & 0xff];
  return concat(Uint8Array.of(0, 0, 0xff, ...header), bytes, Uint8Array.of((256 - (total & 0xff)) & 0xff, 0));
}

export const HOST_ACK = fromHex('0000FF00FF00');
export const HOST_NACK = fromHex('0000FFFF0000');
export const WAKE_UP = fromHex('55550000000000000000000000000000');
export const ACK = '0000FF00FF00';

/** What comes at all comes at once; a busy machine may need longer. */
const PATIENCE_MS = 30_000;

export class ScriptedHost implements SerialLine {
  onBytes: SerialLine['onBytes'] = () => {};
  /** The rate that this host has set; undefined tells none. */
  hostBaud: number | undefined;
  /** Pieces as they came. */
  pieces: Uint8Array[] = [];
  #wake: () => void = () => {};

  send(bytes: Uint8Array): void {
    this.pieces.push(bytes);
    this.#wake();
  }

  write(bytes: Uint8Array): void {
    this.onBytes(bytes, this.hostBaud === undefined ? undefined : [this.hostBaud]);
  }

  get received(): string {
    return toHex(concat(...this.pieces));
  }

  /** Everything that came until it ends as asked, or until nothing came for so long. */
  async take(isComplete: (hex: string) => boolean, patienceMs = PATIENCE_MS): Promise<string> {
    return toHex(concat(...(await this.takePieces(isComplete, patienceMs))));
  }

  async takePieces(isComplete: (hex: string) => boolean, patienceMs = PATIENCE_MS): Promise<Uint8Array[]> {
    const endMs = performance.now() + patienceMs;
    while (!isComplete(this.received)) {
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) break;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const { pieces } = this;
    this.pieces = [];
    return pieces;
  }

  /** Sends a command; what follows the TFI of the response, or `…` and all that came instead. */
  async ask(body: string, patienceMs = PATIENCE_MS): Promise<string> {
    this.pieces = [];
    this.write(frameOf(body));
    const received = await this.take((hex) => responseIn(hex) !== undefined, patienceMs);
    return responseIn(received) ?? `…${received}`;
  }

  /** As libnfc starts a chip that may be asleep. */
  async start(): Promise<string> {
    this.write(WAKE_UP);
    return this.ask('1401');
  }
}

/** After ACK: the body of the one frame behind it. */
function responseIn(hex: string): string | undefined {
  const normal = /^0000FF00FF000000FF(?!FFFF)(..)..D5(.*)....$/.exec(hex);
  const extended = /^0000FF00FF000000FFFFFF(....)..D5(.*)....$/.exec(hex);
  const [, length = '', body = ''] = normal ?? extended ?? [];
  if (body === '' || body.length / 2 + 1 !== Number.parseInt(length, 16)) return undefined;
  return body;
}
