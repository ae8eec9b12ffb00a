/** Tells a meter what each APDU cost from the host's first byte to the chip's last, however many frames it took. */
import type { Meter } from '../timing.ts';
import type { CompletedApdu } from './block-protocol.ts';
import type { ChipResponse } from './command.ts';

const EXCHANGES: readonly number[] = [0x40, 0x42];

export class WorkMeter {
  readonly #meter: Meter | undefined;
  #ms = 0;
  #startMs: number | undefined;
  /** The last one, which a card may repeat. */
  #recorded: CompletedApdu | undefined;

  constructor(meter: Meter | undefined) {
    this.#meter = meter;
  }

  /** One command of the host that was answered. */
  note(code: number, { completed, found }: ChipResponse, startMs: number, endMs: number): void {
    if (found === true)
      this.#record({ ins: 0, label: 'activation', commandBytes: 0, answerBytes: 0 }, startMs, endMs);
    if (!EXCHANGES.includes(code)) return;
    this.#startMs ??= startMs;
    this.#ms += endMs - startMs;
    if (completed === undefined || completed === this.#recorded) return;
    this.#recorded = completed;
    this.#meter?.record({ device: 'card', ...completed, ms: this.#ms, startMs: this.#startMs });
    this.#startMs = undefined;
    this.#ms = 0;
  }

  #record(
    what: { ins: number; label: string; commandBytes: number; answerBytes: number },
    startMs: number,
    endMs: number,
  ): void {
    this.#ms = 0;
    this.#startMs = undefined;
    this.#meter?.record({ device: 'card', ...what, ms: endMs - startMs, startMs });
  }
}
