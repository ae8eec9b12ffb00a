/**
 * The seat at the reader: one wait for a card at a time, and the newest has it. A sign-in that nobody goes on with
 * (a closed page) must not take the card of the patient who comes next.
 */
import type { CardChannel } from '#card/channel.ts';
import { SekishoError } from '#contract/errors.ts';
import type { GatewayParts } from './parts.ts';
import { withPatience } from './patience.ts';

export class ReaderSeat {
  readonly #parts: Pick<GatewayParts, 'reader' | 'clock' | 'limits'>;
  #waiting: AbortController | undefined;

  constructor(parts: Pick<GatewayParts, 'reader' | 'clock' | 'limits'>) {
    this.#parts = parts;
  }

  /** Rejects with `card.not-found` after `cardWaitMs`, with `reader.busy` when somebody newer waits. */
  async waitForCard(signal: AbortSignal): Promise<CardChannel> {
    const { clock, limits, reader } = this.#parts;
    this.#waiting?.abort(new SekishoError('reader.busy'));
    const mine = new AbortController();
    this.#waiting = mine;
    try {
      const either = AbortSignal.any([signal, mine.signal]);
      return await withPatience(clock, limits.cardWaitMs, 'card.not-found', either, (until) =>
        reader.waitForCard(until),
      );
    } finally {
      if (this.#waiting === mine) this.#waiting = undefined;
    }
  }
}
