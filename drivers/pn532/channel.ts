/** An exclusive line to one activated card. */
import type { CardChannel, TransmitOptions } from '#card/channel.ts';
import { SekishoError } from '#contract/errors.ts';
import type { Clock } from '#ports/clock.ts';
import type { BlockTransmission } from './block-transmission.ts';
import { Turn } from './turn.ts';

export interface Pn532ChannelOptions {
  readonly name: string;
  readonly identity: Uint8Array;
  readonly transmission: BlockTransmission;
  readonly clock: Clock;
  readonly exchangeTimeoutMs: number;
  /** Ends what is on the air. */
  readonly closing: AbortController;
  /** Says what a failed exchange means: for that it looks whether a card is still there. */
  readonly explain: (thrown: unknown) => Promise<SekishoError>;
  /** Takes the field off the card. */
  readonly release: (mayDeselect: boolean) => Promise<void>;
}

/** Header, three bytes of Lc, 65,535 bytes of data and two of Le: blocks carry any length. */
const LONGEST_COMMAND_BYTES = 4 + 3 + 65_535 + 2;
/** SW1 SW2. @see ISO 7816-4 §5.1 */
const SHORTEST_ANSWER_BYTES = 2;
const PRESENCE_TIMEOUT_MS = 1_000;

export class Pn532Channel implements CardChannel {
  readonly name: string;
  readonly identity: Uint8Array;
  readonly maxCommandBytes = LONGEST_COMMAND_BYTES;
  readonly #options: Pn532ChannelOptions;
  readonly #turn = new Turn();
  #isExchanging = false;
  #closing: Promise<void> | undefined;
  /** The first failure is the channel's last word: what the card had authenticated is in doubt. */
  #failure: SekishoError | undefined;

  constructor(options: Pn532ChannelOptions) {
    this.#options = options;
    this.name = options.name;
    this.identity = options.identity;
  }

  get failure(): SekishoError | undefined {
    return this.#failure;
  }

  async transmit(command: Uint8Array, options: TransmitOptions = {}): Promise<Uint8Array> {
    if (this.#failure) throw this.#failure;
    if (command.length > this.maxCommandBytes) throw new SekishoError('reader.command-too-long');
    if (this.#isExchanging) throw new SekishoError('reader.busy');
    this.#isExchanging = true;
    try {
      return await this.#turn.take(() => this.#send(command, options));
    } finally {
      this.#isExchanging = false;
    }
  }

  /** Undefined while an exchange is on the air: then the exchange itself will tell. */
  async isPresent(): Promise<boolean | undefined> {
    if (this.#isExchanging) return undefined;
    return this.#turn.take(async () => {
      if (this.#failure) return undefined;
      const { transmission, clock } = this.#options;
      try {
        if (await transmission.isPresent(clock.monotonicMs() + PRESENCE_TIMEOUT_MS)) return true;
      } catch (thrown) {
        throw await this.#fail(thrown);
      }
      this.#failure ??= new SekishoError('card.removed');
      return false;
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const mayDeselect = this.#failure === undefined && !this.#isExchanging;
    const closed = new SekishoError('reader.failed', { context: { reason: 'channel-closed' } });
    this.#failure ??= closed;
    if (!mayDeselect) this.#options.closing.abort(closed);
    await this.#turn.take(() => this.#options.release(mayDeselect));
  }

  async #send(command: Uint8Array, { timeoutMs }: TransmitOptions): Promise<Uint8Array> {
    // Presence may have been lost, or the channel closed, while this was waiting for its turn.
    if (this.#failure) throw this.#failure;
    const { transmission, clock, exchangeTimeoutMs } = this.#options;
    const deadlineMs = clock.monotonicMs() + (timeoutMs ?? exchangeTimeoutMs);
    try {
      const answer = await transmission.transmit(command, deadlineMs);
      if (answer.length >= SHORTEST_ANSWER_BYTES) return answer;
    } catch (thrown) {
      throw await this.#fail(thrown);
    }
    this.#failure ??= new SekishoError('card.protocol');
    throw this.#failure;
  }

  async #fail(thrown: unknown): Promise<SekishoError> {
    if (this.#failure) return this.#failure;
    const error = await this.#options.explain(thrown);
    this.#failure ??= error;
    return this.#failure;
  }
}
