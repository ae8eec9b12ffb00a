/**
 * Escape commands of ACS readers: polling, light and sound, over a direct connection that needs no card.
 *
 * A reader, a driver or a pcscd that does not know them is no fault: `undefined` says so. libccid passes them on only
 * when bit 0x0001 of `ifdDriverOptions` is set in its Info.plist.
 *
 * @see docs/protocol-facts.md 6 (ACS API manuals); PC/SC part 3 for the control code
 */
import { hasMeaning, PcscFailure } from './failure.ts';

/** Sends one escape command, resolves with the reader's answer. Rejects with `PcscFailure` where there is none. */
export type SendEscape = (command: Uint8Array) => Promise<Uint8Array>;

/** Bits of "LED and buzzer behaviour". */
export const SIGNAL = { cardBeep: 0x08 } as const;
/** Bits of "automatic PICC polling". */
const POLLING = { intervalMask: 0x30 } as const;
export const POLLING_INTERVALS_MS = [250, 500, 1_000, 2_500] as const;
export type PollingIntervalMs = (typeof POLLING_INTERVALS_MS)[number];

/** Bits of "LED control". */
export const LED = { off: 0x00, red: 0x01, green: 0x02 } as const;
const BUZZER_UNIT_MS = 10;
const MAX_BUZZER_MS = 2_550;

const INS = { firmware: 0x18, behaviour: 0x21, polling: 0x23, buzzer: 0x28, led: 0x29 } as const;
/** Class and the length field's place in command and answer. */
const COMMAND_HEAD = [0xe0, 0x00, 0x00] as const;
const ANSWER_CLASS = 0xe1;
const ANSWER_HEAD_BYTES = 5;

export class EscapeCommands {
  readonly #send: SendEscape;
  #isUnknown = false;

  constructor(send: SendEscape) {
    this.#send = send;
  }

  /** False once a reader has refused an escape command; asked again after `forget`. */
  get mayWork(): boolean {
    return !this.#isUnknown;
  }

  /** Another reader may be there now. */
  forget(): void {
    this.#isUnknown = false;
  }

  /** Such as "ACR1252U_V100.4". */
  async firmware(): Promise<string | undefined> {
    const text = await this.#ask(INS.firmware);
    return (
      text &&
      Buffer.from(text)
        .toString('latin1')
        .replaceAll(/[^\x20-\x7e]/g, '')
    );
  }

  /** Changes the bits under `mask`, when they are not so already: the reader keeps them for ever. */
  async setBehaviour(mask: number, bits: number): Promise<boolean> {
    return this.#setBits(INS.behaviour, mask, bits);
  }

  async setPollingInterval(intervalMs: PollingIntervalMs): Promise<boolean> {
    const code = POLLING_INTERVALS_MS.indexOf(intervalMs);
    return this.#setBits(INS.polling, POLLING.intervalMask, code << 4);
  }

  async setLed(bits: number): Promise<boolean> {
    return (await this.#ask(INS.led, bits)) !== undefined;
  }

  async buzz(ms: number): Promise<boolean> {
    const units = Math.round(Math.min(ms, MAX_BUZZER_MS) / BUZZER_UNIT_MS);
    return (await this.#ask(INS.buzzer, units)) !== undefined;
  }

  async #setBits(ins: number, mask: number, bits: number): Promise<boolean> {
    const before = (await this.#ask(ins))?.[0];
    if (before === undefined) return false;
    const after = (before & ~mask) | (bits & mask);
    return after === before || (await this.#ask(ins, after)) !== undefined;
  }

  async #ask(ins: number, value?: number): Promise<Uint8Array | undefined> {
    if (this.#isUnknown) return undefined;
    const tail = value === undefined ? [0x00] : [0x01, value];
    try {
      const answer = parseAnswer(await this.#send(Uint8Array.of(...COMMAND_HEAD, ins, ...tail)));
      this.#isUnknown = answer === undefined;
      return answer;
    } catch (thrown) {
      // A reader that went away is another matter; everything else is a reader without these commands.
      if (!(thrown instanceof PcscFailure)) throw thrown;
      if (!hasMeaning(thrown, 'service', 'reader.unreachable', 'reader.held-elsewhere'))
        this.#isUnknown = true;
      return undefined;
    }
  }
}

/** E1 00 00 00 length data. */
function parseAnswer(answer: Uint8Array): Uint8Array | undefined {
  const length = answer[ANSWER_HEAD_BYTES - 1];
  if (answer[0] !== ANSWER_CLASS || length === undefined) return undefined;
  const data = answer.subarray(ANSWER_HEAD_BYTES);
  return data.length === length ? data : undefined;
}
