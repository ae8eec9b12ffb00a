/** A slot of vpcd as a place that cards are put into and taken out of. */
import { systemClock } from '#ports/clock.ts';
import type { ControlledSlot } from './control.ts';
import type { Behaviour } from './faults.ts';
import type { VirtualCard } from './virtual-card.ts';
import { connectToVpcd, type VpcdConnection, type VpcdOptions } from './vpcd-bridge.ts';

/** pcscd looks at a virtual slot every 400 ms, and once more before it takes the power off. */
const REMOVAL_NOTICE_MS = 900;

export class VpcdSlot implements ControlledSlot {
  readonly faults: Behaviour[] = [];
  readonly #options: Omit<VpcdOptions, 'card' | 'faults'>;
  #connection: VpcdConnection | undefined;

  constructor(options: Omit<VpcdOptions, 'card' | 'faults'>) {
    this.#options = options;
  }

  async insert(card: VirtualCard): Promise<void> {
    await this.remove();
    this.#connection = await connectToVpcd({ ...this.#options, card, faults: this.faults });
  }

  /** Resolves when pcscd has noticed: a card that comes back sooner is never seen by pcscd 1.9.9. */
  async remove(): Promise<void> {
    if (this.#connection === undefined) return;
    await this.#connection.close();
    this.#connection = undefined;
    await (this.#options.clock ?? systemClock).sleep(REMOVAL_NOTICE_MS);
  }
}
