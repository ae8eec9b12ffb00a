/** An exclusive line to one card behind PC/SC. */
import type { CardChannel, TransmitOptions } from '#card/channel.ts';
import { SekishoError } from '#contract/errors.ts';
import type { PcscBinding } from './binding.ts';
import { hasMeaning, toReaderError } from './failure.ts';

export interface PcscChannelOptions {
  readonly name: string;
  readonly identity: Uint8Array;
  readonly maxCommandBytes: number;
  readonly maxReadBlockBytes?: number | undefined;
  readonly exchangeTimeoutMs: number;
  readonly binding: PcscBinding;
  /** Decides, after an exchange went wrong, whether the card is still there. */
  readonly isCardGone: () => Promise<boolean>;
  readonly onClosed: () => void;
}

/** SW1 SW2. @see ISO 7816-4 §5.1 */
const SHORTEST_RESPONSE_BYTES = 2;

export class PcscChannel implements CardChannel {
  readonly name: string;
  readonly identity: Uint8Array;
  readonly maxCommandBytes: number;
  readonly maxReadBlockBytes: number | undefined;
  readonly #options: PcscChannelOptions;
  #exchange: Promise<Uint8Array> | undefined;
  #closing: Promise<void> | undefined;
  /** The first failure is the channel's last word: what the card had authenticated is in doubt. */
  #failure: SekishoError | undefined;

  constructor(options: PcscChannelOptions) {
    this.#options = options;
    this.name = options.name;
    this.identity = options.identity;
    this.maxCommandBytes = options.maxCommandBytes;
    this.maxReadBlockBytes = options.maxReadBlockBytes;
  }

  async transmit(command: Uint8Array, options: TransmitOptions = {}): Promise<Uint8Array> {
    if (this.#failure) throw this.#failure;
    // Not even right after the exchange that closing waits for.
    if (this.#closing) throw closed();
    if (command.length > this.maxCommandBytes) throw new SekishoError('reader.command-too-long');
    if (this.#exchange) throw new SekishoError('reader.busy');
    this.#exchange = this.#send(command, options.timeoutMs ?? this.#options.exchangeTimeoutMs);
    try {
      return await this.#exchange;
    } catch (thrown) {
      this.#failure ??= toReaderError(thrown);
      throw this.#failure;
    } finally {
      this.#exchange = undefined;
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#release();
    return this.#closing;
  }

  async #send(command: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    const response = await this.#options.binding.transmit(command, timeoutMs).catch((thrown: unknown) => {
      if (hasMeaning(thrown, 'exchange')) return undefined;
      throw thrown;
    });
    // Drivers also report a card pulled in the middle as an empty answer (vpcd does).
    if (response && response.length >= SHORTEST_RESPONSE_BYTES) return response;
    throw new SekishoError((await this.#options.isCardGone()) ? 'card.removed' : 'card.protocol');
  }

  /**
   * PC/SC cannot interrupt an exchange; the power goes off right after it, or after its deadline.
   *
   * A card that has gone is left alone: pcscd 1.9.9 marks a slot empty when powering down fails, behind the back of
   * its own polling, and then never sees a card that is put back within one poll (SCardDisconnect in winscard.c).
   */
  async #release(): Promise<void> {
    await this.#exchange?.catch(() => {});
    const failed = this.#failure?.code;
    const disposition = failed === 'card.removed' ? 'leave' : 'unpower';
    this.#failure ??= closed();
    try {
      await this.#options.binding.disconnect(disposition);
    } catch (thrown) {
      // Any failure of PC/SC here means that the card, the reader or pcscd has gone, and the power with it.
      if (thrown instanceof SekishoError) throw thrown;
    } finally {
      this.#options.onClosed();
    }
  }
}

function closed(): SekishoError {
  return new SekishoError('reader.failed', { context: { reason: 'channel-closed' } });
}
