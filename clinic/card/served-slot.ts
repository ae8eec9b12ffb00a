/** Where the command puts its cards: a slot of vpcd, or an emulated PN532. Both tell when they were lost. */
import { statSync } from 'node:fs';
import type { ControlledSlot } from '#drivers/simulated/control.ts';
import type { Behaviour } from '#drivers/simulated/faults.ts';
import { isContactless } from '#drivers/simulated/pn532/card-work.ts';
import { EmulatedPn532 } from '#drivers/simulated/pn532/emulator.ts';
import { connectLine, type OpenLine, openPty } from '#drivers/simulated/pn532/lines.ts';
import { REAL_TIMING, type TimingProfile, ZERO_TIMING } from '#drivers/simulated/timing.ts';
import type { VirtualCard } from '#drivers/simulated/virtual-card.ts';
import { connectToVpcd, type VpcdConnection, type VpcdOptions } from '#drivers/simulated/vpcd-bridge.ts';
import { CommandProblem, UsageProblem } from '../command.ts';
import type { ServeOrder } from './order.ts';

export interface ServedSlot extends ControlledSlot {
  /** For the line that says that the card is served. */
  readonly place: string;
  /** The card, or the chip that it lies on, is gone without having been taken away. */
  onLost: () => void;
  close(): Promise<void>;
}

/** Rejects with `CommandProblem`. */
export async function openServedSlot(
  order: ServeOrder,
  usualPort: number,
  timing: 'real' | 'zero',
): Promise<ServedSlot> {
  const profile = timing === 'real' ? REAL_TIMING : ZERO_TIMING;
  if (order.by === 'vpcd') return new VpcdServedSlot({ port: order.port ?? usualPort, timing: profile });
  const line = await openLine(order.address);
  return servePn532(line, order.address, profile);
}

class VpcdServedSlot implements ServedSlot {
  readonly faults: Behaviour[] = [];
  onLost: () => void = () => {};
  readonly place: string;
  readonly #options: Omit<VpcdOptions, 'card' | 'faults'>;
  #connection: VpcdConnection | undefined;

  constructor(options: Omit<VpcdOptions, 'card' | 'faults'>) {
    this.#options = options;
    this.place = `vpcd port ${options.port}`;
  }

  /** Rejects with `CommandProblem` when vpcd is not there. */
  async insert(card: VirtualCard): Promise<void> {
    await this.remove();
    const options = { ...this.#options, card, faults: this.faults };
    const connection = await connectToVpcd(options).catch((cause: unknown) => {
      throw nobodyListens(this.#options.port, cause);
    });
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

  close(): Promise<void> {
    return this.remove();
  }
}

function servePn532(line: OpenLine, address: string, timing: TimingProfile): ServedSlot {
  const chip = new EmulatedPn532({ timing });
  chip.attach(line);
  let isClosed = false;
  const slot: ServedSlot = {
    faults: chip.faults,
    chipFaults: chip.chipFaults,
    place: `PN532 ${address}`,
    onLost: () => {},
    insert: (card) => {
      if (!isContactless(card)) throw new UsageProblem('--pn532: a SAM has no antenna');
      chip.insert(card);
    },
    remove: () => chip.remove(),
    reset: () => chip.reset(),
    async close() {
      isClosed = true;
      chip.remove();
      await line.close();
    },
  };
  void line.closed.then(() => {
    if (!isClosed) slot.onLost();
  });
  return slot;
}

async function openLine(address: string): Promise<OpenLine> {
  try {
    return isListener(address) ? await connectLine(address) : await openPty(address);
  } catch (cause) {
    const advice = {
      ja: `${address} に PN532 をつなげません。新しい pty の名前にする未使用のパス（python3 が必要です）、または相手が待ち受けている HOST:PORT かソケットを --pn532 に指定してください。`,
      en: `The PN532 cannot be connected to ${address}. Give --pn532 an unused path for a new pty (needs python3), or a HOST:PORT or socket that somebody listens on.`,
    };
    throw new CommandProblem('reader.unreachable', advice, cause);
  }
}

function isListener(address: string): boolean {
  const isPort = /^[^/]*:\d+$/.test(address);
  return isPort || (statSync(address, { throwIfNoEntry: false })?.isSocket() ?? false);
}

function nobodyListens(port: number, cause: unknown): CommandProblem {
  const advice = {
    ja: `ポート ${port} で vpcd が待っていません。\`sudo apt install pcscd vsmartcard-vpcd\` の後、\`sudo systemctl restart pcscd\` を実行してください。`,
    en: `Nothing listens on port ${port}. Run \`sudo apt install pcscd vsmartcard-vpcd\` and \`sudo systemctl restart pcscd\`, or name vpcd's port with --port.`,
  };
  return new CommandProblem('reader.unreachable', advice, cause);
}
