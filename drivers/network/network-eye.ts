/** Watches one network card: the kernel's events through `ip monitor`, its carrier counter, and a look from time to time. */
import type { Clock } from '#ports/clock.ts';
import type { Logger } from '#ports/logger.ts';
import type { NetworkEvent, NetworkEye, NetworkSight } from '#ports/surroundings.ts';
import { carrierLosses } from './carrier-file.ts';
import { type AddressFamily, look, type Monitor, monitor } from './ip-command.ts';
import { readMonitorLine } from './monitor-line.ts';

export interface NetworkEyeOptions {
  readonly device: string;
  /** Of the anchors: changes in the other one are not looked at. */
  readonly family: AddressFamily;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What else can be known about the place, at a price; asked with every look. */
  readonly hints?: () => Promise<Pick<NetworkSight, 'wirelessName' | 'dhcpServer'>>;
}

const CARRIER_EVERY_MS = 50;
/** For what no event tells, and for events that were lost. */
const LOOK_EVERY_MS = 15_000;
const RESTART_MS = 500;
/** Events that keep coming must not keep us from telling anything. */
const MAX_LOOKS = 5;

export class DeviceEye implements NetworkEye {
  readonly #options: NetworkEyeOptions;
  readonly #stop = new AbortController();
  #onEvent: (event: NetworkEvent) => void = () => {};
  #sight: NetworkSight | undefined;
  #losses: number | undefined;
  #isLooking = false;
  #isStale = false;
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: NetworkEyeOptions) {
    this.#options = options;
  }

  start(onEvent: (event: NetworkEvent) => void): void {
    this.#onEvent = (event) => {
      if (!this.#stop.signal.aborted) onEvent(event);
    };
    this.#losses = carrierLosses(this.#options.device);
    this.#running = Promise.all([
      this.#watch(),
      this.#repeat(CARRIER_EVERY_MS, () => this.#readCarrier()),
      this.#repeat(LOOK_EVERY_MS, () => void this.#look()),
    ]);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #repeat(everyMs: number, work: () => void): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#options.clock.sleep(everyMs, signal).catch(() => undefined);
      if (!signal.aborted) work();
    }
  }

  /** As long as we live there is a monitor; while there is none we are blind and say so. */
  async #watch(): Promise<void> {
    const { clock, logger } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#watchOnce();
      if (signal.aborted) return;
      this.#sight = undefined;
      this.#onEvent({ type: 'blind' });
      logger.error('network.monitor-ended');
      await clock.sleep(RESTART_MS, signal).catch(() => undefined);
    }
  }

  /** Resolves when the monitor is gone. */
  async #watchOnce(): Promise<void> {
    let end = (): void => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const child: Monitor = monitor((line) => this.#read(line), end);
    this.#stop.signal.addEventListener('abort', end, { once: true });
    try {
      await child.listening;
      const sight = await this.#sightNow();
      this.#sight = sight;
      this.#onEvent({ type: 'seeing', sight });
      await ended;
    } catch {
      // Not there, or not able to look: the same as gone.
    } finally {
      this.#stop.signal.removeEventListener('abort', end);
      child.stop();
    }
  }

  #read(line: string): void {
    const news = readMonitorLine(line, this.#options.device, this.#sight?.gateway, this.#sight?.gatewayMac);
    if (news === undefined) return;
    if (news === 'link-down') this.#loseCarrier(carrierLosses(this.#options.device));
    else void this.#look();
  }

  #readCarrier(): void {
    const losses = carrierLosses(this.#options.device);
    if (losses !== this.#losses) this.#loseCarrier(losses);
  }

  /** Whichever of event and counter is first tells it; the other must not tell it of a link that is back by then. */
  #loseCarrier(losses: number | undefined): void {
    this.#losses = losses;
    this.#onEvent({ type: 'linkDown' });
    void this.#look();
  }

  /** Tells what is there when nothing changed while it was looked at. */
  async #look(): Promise<void> {
    this.#isStale = true;
    // Before the first sight the monitor is not ready; it looks itself.
    if (this.#isLooking || this.#sight === undefined) return;
    this.#isLooking = true;
    try {
      for (let looks = 0; this.#isStale && looks < MAX_LOOKS; looks++) {
        this.#isStale = false;
        const sight = await this.#sightNow();
        if (this.#sight === undefined) return;
        if (this.#isStale && looks < MAX_LOOKS - 1) continue;
        this.#sight = sight;
        this.#onEvent({ type: 'changed', sight });
      }
    } catch (thrown) {
      this.#options.logger.error('network.look-failed', { error: thrown });
      if (this.#sight !== undefined) this.#onEvent({ type: 'linkDown' });
    } finally {
      this.#isLooking = false;
    }
  }

  async #sightNow(): Promise<NetworkSight> {
    const { device, family, hints } = this.#options;
    const [sight, hinted] = await Promise.all([look(device, family), hints?.()]);
    return { ...sight, ...hinted };
  }
}
