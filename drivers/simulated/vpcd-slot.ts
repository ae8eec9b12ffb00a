/** A slot of vpcd as a place that cards are put into and taken out of. */
import type { ControlledSlot } from './control.ts';
import type { Behaviour } from './faults.ts';
import type { VirtualCard } from './virtual-card.ts';
import { connectToVpcd, type VpcdConnection, type VpcdOptions } from './vpcd-bridge.ts';

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

  async remove(): Promise<void> {
    await this.#connection?.close();
    this.#connection = undefined;
  }
}
