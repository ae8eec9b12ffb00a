/**
 * The card's side of ISO 14443-3 B and 14443-4, written from the rules for the card (D, E, 9 to 13), in raw bytes.
 * Frames are without CRC.
 */
export interface PiccOptions {
  /** ATQB protocol info: FSCI 8, ISO 14443-4; FWI 10, CID. */
  readonly protocolInfo?: readonly [number, number, number];
  /** The answer to a command, and how often the card asks for more time before. */
  readonly answer: (command: Uint8Array) => { readonly bytes: Uint8Array; readonly waits?: number };
  /** Longest frame of the card's answers, below what the reader takes. */
  readonly mostFrameBytes?: number;
}

const FSD_BYTES = [16, 24, 32, 40, 48, 64, 96, 128, 256];
export const PUPI = Uint8Array.of(0xde, 0xad, 0xbe, 0xef);

export class ScriptedPicc {
  readonly #options: PiccOptions;
  /** Commands that were carried out, in order. */
  readonly executed: Uint8Array[] = [];
  isMute = false;
  #state: 'idle' | 'ready' | 'active' | 'halted' = 'idle';
  #cid = 0;
  #frameBytes = 64;
  #number = 1;
  #last: Uint8Array | undefined;
  #incoming: number[] = [];
  #outgoing: Uint8Array = new Uint8Array(0);
  #waits = 0;

  constructor(options: PiccOptions) {
    this.#options = options;
  }

  get atqb(): Uint8Array {
    const info = this.#options.protocolInfo ?? [0xb3, 0x81, 0xa1];
    return Uint8Array.of(0x50, ...PUPI, 0x00, 0x00, 0x41, 0xe0, ...info);
  }

  powerOff(): void {
    this.#state = 'idle';
  }

  /** What the reader's firmware does by itself: REQB and ATTRIB with 64 bytes and number 1. */
  activateByChip(): boolean {
    if (this.isMute || this.#state === 'halted') return false;
    this.#activate(5, 1);
    return true;
  }

  receive(frame: Uint8Array): Uint8Array | undefined {
    if (this.isMute) return undefined;
    if (this.#state === 'active') return this.#receiveBlock(frame);
    if (frame[0] === 0x05 && frame.length === 3) {
      this.#state = 'ready';
      return this.atqb;
    }
    if (this.#state === 'ready' && frame[0] === 0x1d && Buffer.from(frame.subarray(1, 5)).equals(PUPI)) {
      this.#activate((frame[6] ?? 0) & 0x0f, (frame[8] ?? 0) & 0x0f);
      return Uint8Array.of(this.#cid);
    }
    return undefined;
  }

  #activate(fsdi: number, cid: number): void {
    this.#state = 'active';
    this.#cid = cid;
    this.#frameBytes = Math.min(FSD_BYTES[fsdi] ?? 256, this.#options.mostFrameBytes ?? 256);
    this.#number = 1;
    this.#incoming = [];
    this.#outgoing = new Uint8Array(0);
    this.#last = undefined;
  }

  #receiveBlock(frame: Uint8Array): Uint8Array | undefined {
    const pcb = frame[0] ?? 0;
    const hasCid = (pcb & 8) !== 0;
    if (hasCid ? ((frame[1] ?? 0) & 15) !== this.#cid : this.#cid !== 0) return undefined;
    const content = frame.subarray(hasCid ? 2 : 1);
    if ((pcb & 0xe2) === 0x02) return this.#say(this.#onInformation(pcb, content));
    if ((pcb & 0xe6) === 0xa2) return this.#onReceiveReady(pcb);
    if ((pcb & 0xf7) === 0xf2) return this.#say(this.#next());
    if ((pcb & 0xf7) === 0xc2) {
      this.#state = 'halted';
      return frame;
    }
    return undefined;
  }

  /** Rule D: every I-block toggles the card's number. */
  #onInformation(pcb: number, content: Uint8Array): Uint8Array {
    this.#number ^= 1;
    this.#incoming.push(...content);
    if ((pcb & 0x10) !== 0) return this.#frame(0xa2 | this.#number);
    const command = Uint8Array.from(this.#incoming);
    this.#incoming = [];
    this.executed.push(command);
    const { bytes, waits = 0 } = this.#options.answer(command);
    this.#outgoing = bytes;
    this.#waits = waits;
    return this.#next();
  }

  #onReceiveReady(pcb: number): Uint8Array | undefined {
    if ((pcb & 1) === this.#number) return this.#last;
    if ((pcb & 0x10) !== 0) return this.#say(this.#frame(0xa2 | this.#number));
    if (this.#outgoing.length === 0) return undefined;
    this.#number ^= 1;
    return this.#say(this.#next());
  }

  #next(): Uint8Array {
    if (this.#waits > 0) {
      this.#waits--;
      return this.#frame(0xf2, Uint8Array.of(2));
    }
    const room = this.#frameBytes - 3 - (this.#cid === 0 ? 0 : 1);
    const piece = this.#outgoing.subarray(0, room);
    this.#outgoing = this.#outgoing.subarray(room);
    return this.#frame((this.#outgoing.length > 0 ? 0x12 : 0x02) | this.#number, piece);
  }

  #frame(pcb: number, content: Uint8Array = new Uint8Array(0)): Uint8Array {
    return this.#cid === 0 ? Uint8Array.of(pcb, ...content) : Uint8Array.of(pcb | 8, this.#cid, ...content);
  }

  #say(frame: Uint8Array): Uint8Array {
    this.#last = frame;
    return frame;
  }
}
