/** A card or SAM whose power and commands a test can look at. */
import type { VirtualCard } from '#drivers/simulated/virtual-card.ts';

export interface SeenCommand {
  readonly cla: number;
  readonly ins: number;
  readonly p1: number;
  readonly p2: number;
}

export class WatchedCard implements VirtualCard {
  readonly inner: VirtualCard;
  readonly commands: SeenCommand[] = [];
  isPowered = false;
  powerUps = 0;
  /** Called before a command is processed. */
  onCommand: (command: SeenCommand) => void = () => {};

  constructor(inner: VirtualCard) {
    this.inner = inner;
  }

  get device(): VirtualCard['device'] {
    return this.inner.device;
  }

  get atr(): Uint8Array {
    return this.inner.atr;
  }

  get work(): VirtualCard['work'] {
    return this.inner.work;
  }

  powerOn(): void {
    this.isPowered = true;
    this.powerUps += 1;
    this.inner.powerOn();
  }

  powerOff(): void {
    this.isPowered = false;
    this.inner.powerOff();
  }

  warmReset(): void {
    this.inner.warmReset();
  }

  process(command: Uint8Array): Uint8Array {
    const [cla = 0, ins = 0, p1 = 0, p2 = 0] = command;
    const seen = { cla, ins, p1, p2 };
    this.commands.push(seen);
    this.onCommand(seen);
    return this.inner.process(command);
  }
}
