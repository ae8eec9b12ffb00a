/** A channel whose faults are told to the supervision of its reader. */
import type { CardChannel, TransmitOptions } from '#card/channel.ts';

export interface SupervisedChannelOptions {
  /** Called until it answers that this was the machine's fault: the first one is a channel's last word. */
  readonly onFault: (thrown: unknown) => boolean;
  readonly onClosed: () => void;
}

export class SupervisedChannel implements CardChannel {
  readonly name: string;
  readonly identity: Uint8Array;
  readonly maxCommandBytes: number;
  readonly maxReadBlockBytes: number | undefined;
  readonly #inner: CardChannel;
  readonly #options: SupervisedChannelOptions;
  #closing: Promise<void> | undefined;
  #isTold = false;

  constructor(inner: CardChannel, options: SupervisedChannelOptions) {
    this.#inner = inner;
    this.#options = options;
    this.name = inner.name;
    this.identity = inner.identity;
    this.maxCommandBytes = inner.maxCommandBytes;
    this.maxReadBlockBytes = inner.maxReadBlockBytes;
  }

  async transmit(command: Uint8Array, options?: TransmitOptions): Promise<Uint8Array> {
    try {
      return await this.#inner.transmit(command, options);
    } catch (thrown) {
      // Closing breaks off an exchange under way: nobody's fault.
      if (this.#closing === undefined) this.#tell(thrown);
      throw thrown;
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#release();
    return this.#closing;
  }

  async #release(): Promise<void> {
    try {
      await this.#inner.close();
    } catch (thrown) {
      this.#tell(thrown);
      throw thrown;
    } finally {
      this.#options.onClosed();
    }
  }

  #tell(thrown: unknown): void {
    if (this.#isTold) return;
    this.#isTold = this.#options.onFault(thrown);
  }
}
