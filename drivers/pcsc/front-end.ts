/** Light, sound and polling of a reader that has them; a reader without is as good. */
import type { ReaderSignal } from '#card/channel.ts';
import type { Clock } from '#ports/clock.ts';
import type { Logger } from '#ports/logger.ts';
import { EscapeCommands, LED, type PollingIntervalMs, type SendEscape, SIGNAL } from './escape.ts';

export interface FrontEndOptions {
  /** How often the reader looks for a card; left as it is when absent. */
  readonly pollingIntervalMs?: PollingIntervalMs | undefined;
  /** Whether the reader itself beeps at every card; left as it is when absent. */
  readonly cardBeep?: boolean | undefined;
  /** Light and sound when a tap succeeded or failed. Default: true. */
  readonly signals?: boolean | undefined;
}

const BEEP_MS = 80;
const PAUSE_MS = 120;
const LIGHT_MS = 1_000;

/** What each signal sounds and looks like: one short beep is good, three are not. */
const SIGNALS: Readonly<Record<ReaderSignal, { readonly beeps: number; readonly led: number }>> = {
  done: { beeps: 1, led: LED.green },
  failed: { beeps: 3, led: LED.red },
};

export class FrontEnd {
  readonly #commands: EscapeCommands;
  readonly #options: FrontEndOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;

  constructor(send: SendEscape, options: FrontEndOptions, clock: Clock, logger: Logger) {
    this.#commands = new EscapeCommands(send);
    this.#options = options;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** To be called when a reader was found, or came back. */
  async setUp(): Promise<void> {
    const { pollingIntervalMs, cardBeep } = this.#options;
    if (pollingIntervalMs === undefined && cardBeep === undefined && this.#options.signals === false) return;
    this.#commands.forget();
    const firmware = await this.#commands.firmware();
    if (firmware === undefined) {
      this.#logger.info('pcsc.no-escape-commands');
      return;
    }
    const polling =
      pollingIntervalMs === undefined || (await this.#commands.setPollingInterval(pollingIntervalMs));
    const beep =
      cardBeep === undefined ||
      (await this.#commands.setBehaviour(SIGNAL.cardBeep, cardBeep ? SIGNAL.cardBeep : 0));
    this.#logger.info('pcsc.front-end', { firmware, polling, beep });
  }

  async signal(signal: ReaderSignal): Promise<void> {
    if (this.#options.signals === false || !this.#commands.mayWork) return;
    const { beeps, led } = SIGNALS[signal];
    if (!(await this.#commands.setLed(led))) return;
    for (let beep = 0; beep < beeps; beep += 1) {
      await this.#commands.buzz(BEEP_MS);
      await this.#clock.sleep(BEEP_MS + PAUSE_MS);
    }
    await this.#clock.sleep(LIGHT_MS);
    await this.#commands.setLed(LED.off);
  }
}
