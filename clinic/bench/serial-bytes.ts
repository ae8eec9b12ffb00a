/** What was on a serial line to a PN532, and behind it on the air, counted byte by byte by somebody who only listens. */
import type { Pn532ReaderOptions } from '#drivers/pn532/index.ts';
import type { LinkTiming } from '#drivers/simulated/timing.ts';

type OpenLine = Pn532ReaderOptions['openLine'];

/** Start bit, eight data bits, stop bit. */
const BITS_PER_BYTE = 10;
const CRC_BYTES = 2;
/** InCommunicateThru: TFI, code and, in the answer, a status. @see UM0701-02 §7.3.9 */
const TO_CARD = { start: [0xd4, 0x42], headerBytes: 2 } as const;
const FROM_CARD = { start: [0xd5, 0x43], headerBytes: 3 } as const;

export class LineCount {
  #sent: number[] = [];
  #received: number[] = [];

  /** The same line, overheard. */
  around(open: OpenLine): OpenLine {
    return async (baudRate, ears) => {
      const onBytes = (bytes: Uint8Array): void => {
        this.#received.push(...bytes);
        ears.onBytes(bytes);
      };
      const line = await open(baudRate, { ...ears, onBytes });
      return {
        send: (bytes) => {
          this.#sent.push(...bytes);
          line.send(bytes);
        },
        setBaudRate: (rate) => line.setBaudRate(rate),
        close: () => line.close(),
      };
    };
  }

  start(): void {
    [this.#sent, this.#received] = [[], []];
  }

  get serialBytes(): number {
    return this.#sent.length + this.#received.length;
  }

  /** Lengths of the frames on the air since `start`, with their checksums. */
  get airFrames(): readonly number[] {
    return [...framesOnAir(this.#sent, TO_CARD), ...framesOnAir(this.#received, FROM_CARD)];
  }

  /** What the bytes since `start` take, one after the other. */
  boundMs(baudRate: number, { byteMs, frameMs }: LinkTiming): number {
    const serialMs = (this.serialBytes * BITS_PER_BYTE * 1_000) / baudRate;
    return this.airFrames.reduce((total, bytes) => total + bytes * byteMs + frameMs, serialMs);
  }
}

/** `00 00 FF LEN LCS …` and `00 00 FF FF FF LENM LENL LCS …`; ACK has a length of 0. @see UM0701-02 §6.2.1 */
function framesOnAir(
  stream: readonly number[],
  { start, headerBytes }: typeof TO_CARD | typeof FROM_CARD,
): number[] {
  const frames: number[] = [];
  for (let at = 0; at + 5 < stream.length; at += 1) {
    if (stream[at] !== 0 || stream[at + 1] !== 0 || stream[at + 2] !== 0xff) continue;
    const isExtended = stream[at + 3] === 0xff && stream[at + 4] === 0xff;
    const [high = 0, low = 0] = isExtended ? stream.slice(at + 5, at + 7) : [0, stream[at + 3]];
    const lengthBytes = high * 256 + low;
    const payloadAt = at + (isExtended ? 8 : 5);
    // NACK says FF 00 where a length would be.
    const isNack = !isExtended && low === 0xff && stream[at + 4] === 0;
    if (lengthBytes === 0 || isNack) continue;
    const isWanted = start.every((byte, index) => stream[payloadAt + index] === byte);
    if (isWanted) frames.push(lengthBytes - headerBytes + CRC_BYTES);
    at = payloadAt + lengthBytes;
  }
  return frames;
}
