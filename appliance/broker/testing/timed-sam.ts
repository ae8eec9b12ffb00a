/** A SAM that notes when it loses its power, or is reset: both take the unlock away. */
import { EventEmitter, once } from 'node:events';
import { WatchedCard } from '#gateway/testdata/watched-card.ts';

const INS_EXTERNAL_AUTHENTICATE = 0x82;

export class TimedSam extends WatchedCard {
  readonly #happened = new EventEmitter();
  #lastLossMs = Number.NEGATIVE_INFINITY;

  /** How often it was asked to unlock. */
  get grants(): number {
    return this.commands.filter(({ ins }) => ins === INS_EXTERNAL_AUTHENTICATE).length;
  }

  override powerOff(): void {
    super.powerOff();
    this.#lose();
  }

  override warmReset(): void {
    super.warmReset();
    this.#lose();
  }

  /** Milliseconds from `sinceMs` (of `performance.now()`) to the first loss after it. */
  async lossAfter(sinceMs: number): Promise<number> {
    while (this.#lastLossMs < sinceMs) await once(this.#happened, 'loss');
    return this.#lastLossMs - sinceMs;
  }

  #lose(): void {
    const nowMs = performance.now();
    this.#lastLossMs = nowMs;
    this.#happened.emit('loss');
  }
}
