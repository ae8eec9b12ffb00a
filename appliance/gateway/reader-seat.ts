/**
 * The seat at the reader: one wait for a card at a time. A sign-in belongs to the client that asked for it, and nobody
 * else's sign-in displaces it while it lives; a closed page ends it. A tap outranks a sign-in: an operator who is
 * signed in started it, and a patient agreed. @see docs/decisions/README.md, "seat at the reader"
 */
import type { CardChannel } from '#card/channel.ts';
import { isSekishoError, SekishoError } from '#contract/errors.ts';
import type { GatewayParts } from './parts.ts';
import { withPatience } from './patience.ts';

/** What happened to the card that lies there, until it is taken away. */
interface Presentation {
  /** Resolves when the card was taken away; one that is back within a moment was away, too. */
  readonly gone: Promise<void>;
  /** A PIN was wrong: no further VERIFY before the card was taken away. */
  isSpent: boolean;
  /** The clients that were told about the last try of this card. */
  readonly toldLastTry: Set<string>;
}

export class ReaderSeat {
  readonly #parts: Pick<GatewayParts, 'reader' | 'clock' | 'limits'>;
  readonly #stop: AbortSignal;
  #waiting: { readonly client: string | undefined; readonly end: AbortController } | undefined;
  #present: Presentation | undefined;

  /** `stop` ends the watch for a card to leave. */
  constructor(parts: Pick<GatewayParts, 'reader' | 'clock' | 'limits'>, stop: AbortSignal) {
    this.#parts = parts;
    this.#stop = stop;
  }

  /** For a tap. Rejects with `card.not-found` after `cardWaitMs`. */
  waitForCard(signal: AbortSignal): Promise<CardChannel> {
    return this.#wait(undefined, signal);
  }

  /**
   * For a sign-in of `client`. Rejects with `reader.busy` while another one waits. A card with which a PIN was wrong must
   * be taken away first: it is waited for, and when it stays the end is `card.remove-first`.
   */
  async waitForOperatorCard(client: string, signal: AbortSignal): Promise<CardChannel> {
    if (this.#waiting !== undefined && this.#waiting.client !== client) throw new SekishoError('reader.busy');
    return this.#wait(client, signal);
  }

  /** A PIN was wrong on the card of `channel`. */
  spend(channel: CardChannel): void {
    this.#presentation(channel).isSpent = true;
  }

  tellLastTry(channel: CardChannel, client: string): void {
    this.#presentation(channel).toldLastTry.add(client);
  }

  /** Whether `client` was told about the last try of the card that lies there since it was put there. */
  knowsLastTry(client: string): boolean {
    return this.#present?.toldLastTry.has(client) ?? false;
  }

  async #wait(client: string | undefined, signal: AbortSignal): Promise<CardChannel> {
    const { clock, limits, reader } = this.#parts;
    this.#waiting?.end.abort(new SekishoError('reader.busy'));
    const mine = { client, end: new AbortController() };
    this.#waiting = mine;
    try {
      const either = AbortSignal.any([signal, mine.end.signal]);
      return await withPatience(clock, limits.cardWaitMs, 'card.not-found', either, async (until) => {
        if (client !== undefined) await this.#untilTaken(until);
        return reader.waitForCard(until);
      });
    } finally {
      if (this.#waiting === mine) this.#waiting = undefined;
    }
  }

  async #untilTaken(until: AbortSignal): Promise<void> {
    const present = this.#present;
    if (!present?.isSpent) return;
    const ended = new Promise<never>((_resolve, reject) => {
      until.addEventListener('abort', () => reject(until.reason), { once: true });
      if (until.aborted) reject(until.reason);
    });
    try {
      await Promise.race([present.gone, ended]);
    } catch (thrown) {
      throw isSekishoError(thrown, 'card.not-found') ? new SekishoError('card.remove-first') : thrown;
    }
  }

  #presentation(channel: CardChannel): Presentation {
    if (this.#present !== undefined) return this.#present;
    const forget = (): void => {
      if (this.#present === present) this.#present = undefined;
    };
    // A reader that fails has lost its card, too.
    const gone = this.#parts.reader.waitForRemoval(channel, this.#stop).then(forget, forget);
    const present: Presentation = { gone, isSpent: false, toldLastTry: new Set() };
    this.#present = present;
    return present;
  }
}
