/** The broker's own timer of the lease: a gateway that hangs, lies or was killed brings no answers. */
import type { Clock } from '#ports/clock.ts';
import type { Logger } from '#ports/logger.ts';
import type { Lease } from './lease.ts';

/** The lease ends by the clock, and by a jump of the clock, which only looking shows. */
const LOOK_MS = 250;

export class LeaseWatch {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #onLapse: (reason: string) => Promise<void>;
  #watched: { readonly lease: Lease; readonly end: AbortController } | undefined;

  /** `onLapse` is called once for each lease that ran out, with the word of `contract/network.ts`. */
  constructor(clock: Clock, logger: Logger, onLapse: (reason: string) => Promise<void>) {
    this.#clock = clock;
    this.#logger = logger;
    this.#onLapse = onLapse;
  }

  /** To be called with a lease that was just granted. */
  begin(lease: Lease): void {
    if (this.#watched !== undefined) return;
    const end = new AbortController();
    this.#watched = { lease, end };
    const watch = async (): Promise<void> => {
      while (lease.isValid) {
        const leftMs = lease.validUntilMs - this.#clock.monotonicMs();
        await this.#clock.sleep(Math.min(leftMs, LOOK_MS), end.signal);
      }
      await this.noteLapse();
    };
    watch().catch((error: unknown) => {
      if (error !== end.signal.reason) this.#logger.error('broker.wipe-failed', { error });
    });
  }

  /**
   * A lease that ran out shuts the SAM before another one begins, whoever notices first. Rejects what `onLapse` rejects.
   * Undefined when none did, so that nobody has to wait for that.
   */
  noteLapse(): Promise<void> | undefined {
    const lease = this.#watched?.lease;
    if (lease === undefined || lease.isValid) return undefined;
    this.end();
    return this.#onLapse(lease.hasClockJumped ? 'clock-jumped' : 'anchor-silent');
  }

  end(): void {
    this.#watched?.end.abort();
    this.#watched = undefined;
  }
}
