/** A vpcd slot that tells when its card left without being taken out: pcscd ended, or a fault did it. */
import type { ControlledSlot } from '#drivers/simulated/control.ts';
import type { Behaviour } from '#drivers/simulated/faults.ts';
import type { VirtualCard } from '#drivers/simulated/virtual-card.ts';
import { connectToVpcd, type VpcdConnection, type VpcdOptions } from '#drivers/simulated/vpcd-bridge.ts';

export class ServedSlot implements ControlledSlot {
  readonly faults: Behaviour[] = [];
  onLost: () => void = () => {};
  readonly #options: Omit<VpcdOptions, 'card' | 'faults'>;
  #connection: VpcdConnection | undefined;

  constructor(options: Omit<VpcdOptions, 'card' | 'faults'>) {
    this.#options = options;
  }

  async insert(card: VirtualCard): Promise<void> {
    await this.remove();
    const connection = await connectToVpcd({ ...this.#options, card, faults: this.faults });
    this.#connection = connection;
    void connection.closed.then(() => {
      if (this.#connection === connection) this.onLost();
    });
  }

  async remove(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.close();
  }
}
