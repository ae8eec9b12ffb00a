/** One real APDU on the wire: encoded, metered, traced, its answer checked for form. Meaning is exchange.ts's business. */
import { type ErrorCode, SekishoError } from '#contract/errors.ts';
import { type CommandApdu, encodeCommand, parseResponse, type ResponseApdu } from './apdu.ts';
import { encodeHex } from './bytes.ts';
import type { CardChannel } from './channel.ts';
import { INS, instructionName } from './instruction.ts';

/** Real APDUs on the wire, GET RESPONSE and chain links included. */
export interface ApduMeter {
  readonly count: number;
  readonly bytesOut: number;
  readonly bytesIn: number;
}

/** Safe to log by construction: command data is shown for SELECT only, response data never. */
export interface ApduTrace {
  readonly channel: string;
  readonly name: string;
  /** Header and lengths, for example "00B08A00 Le=256" or "00200098 Lc=4". */
  readonly command: string;
  readonly responseBytes: number;
  readonly sw: string;
}

export interface ExchangeOptions {
  /** Default for every command; the driver's own default when absent. */
  readonly timeoutMs?: number | undefined;
  /** Narrows what the channel says it can carry. */
  readonly maxCommandBytes?: number | undefined;
  readonly trace?: ((entry: ApduTrace) => void) | undefined;
  /** Whose errors to raise for garbage and for oversize: a patient's card (default) or the SAM. */
  readonly peer?: 'card' | 'sam' | undefined;
}

export interface SendOptions {
  readonly timeoutMs?: number | undefined;
  /** The command carries a secret: its encoded copy is overwritten as soon as it has been sent. */
  readonly secret?: boolean | undefined;
}

const PEER_ERRORS: Record<'card' | 'sam', { garbled: ErrorCode; tooLong: ErrorCode }> = {
  card: { garbled: 'card.protocol', tooLong: 'reader.command-too-long' },
  sam: { garbled: 'sam.failed', tooLong: 'sam.failed' },
};

export class Line {
  readonly maxCommandBytes: number;
  /** Of a short answer. */
  readonly maxReadBlockBytes: number | undefined;
  readonly #channel: CardChannel;
  readonly #options: ExchangeOptions;
  #count = 0;
  #bytesOut = 0;
  #bytesIn = 0;

  constructor(channel: CardChannel, options: ExchangeOptions) {
    this.#channel = channel;
    this.#options = options;
    this.maxReadBlockBytes = channel.maxReadBlockBytes;
    this.maxCommandBytes = Math.min(channel.maxCommandBytes, options.maxCommandBytes ?? Infinity);
  }

  get meter(): ApduMeter {
    return { count: this.#count, bytesOut: this.#bytesOut, bytesIn: this.#bytesIn };
  }

  async transmit(command: CommandApdu, send: SendOptions): Promise<ResponseApdu> {
    const wire = encodeCommand(command);
    const timeoutMs = send.timeoutMs ?? this.#options.timeoutMs;
    this.#count += 1;
    this.#bytesOut += wire.length;
    let bytes: Uint8Array;
    try {
      bytes = await this.#channel.transmit(wire, timeoutMs === undefined ? {} : { timeoutMs });
    } finally {
      if (send.secret) wire.fill(0);
    }
    this.#bytesIn += bytes.length;
    const response = this.#parse(bytes);
    this.#options.trace?.(traceOf(this.#channel.name, command, response));
    return response;
  }

  garbled(reason: string, cause?: unknown): SekishoError {
    return this.#error('garbled', { reason }, cause);
  }

  tooLong(): SekishoError {
    return this.#error('tooLong', { maxCommandBytes: this.maxCommandBytes });
  }

  #error(
    kind: 'garbled' | 'tooLong',
    context: Record<string, string | number>,
    cause?: unknown,
  ): SekishoError {
    const code = PEER_ERRORS[this.#options.peer ?? 'card'][kind];
    return new SekishoError(code, { context: { channel: this.#channel.name, ...context }, cause });
  }

  #parse(bytes: Uint8Array): ResponseApdu {
    try {
      return parseResponse(bytes);
    } catch (cause) {
      throw this.garbled('not a response APDU', cause);
    }
  }
}

function traceOf(channel: string, command: CommandApdu, response: ResponseApdu): ApduTrace {
  const header = encodeHex(Uint8Array.of(command.cla, command.ins, command.p1, command.p2));
  const plainSelect = command.ins === INS.selectFile && (command.cla & 0x0c) === 0;
  const data = command.data ? [plainSelect ? encodeHex(command.data) : `Lc=${command.data.length}`] : [];
  const le = command.expectedBytes ? [`Le=${command.expectedBytes}`] : [];
  return {
    channel,
    name: instructionName(command.ins),
    command: [header, ...data, ...le].join(' '),
    responseBytes: response.data.length,
    sw: encodeHex(Uint8Array.of(response.sw >> 8, response.sw & 0xff)),
  };
}
