/** Counts what happens to a reader, for the status page and the metrics. */
import type { ReaderReport } from '#card/channel.ts';
import type { ErrorCode } from '#contract/errors.ts';
import type { ReaderHealth } from '#contract/snapshot.ts';

export class HealthRecord {
  readonly #faults = new Map<ErrorCode, number>();
  #sinceMs: number;
  #lastFault: ErrorCode | undefined;
  #recoveries = 0;
  #restarts = 0;
  #cardsSeen = 0;

  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
  }

  countFault(code: ErrorCode): void {
    this.#lastFault = code;
    this.#faults.set(code, (this.#faults.get(code) ?? 0) + 1);
  }

  countCard(): void {
    this.#cardsSeen += 1;
  }

  countRestart(): void {
    this.#restarts += 1;
  }

  countRecovery(): void {
    this.#recoveries += 1;
  }

  /** Ready or faulted from now on. */
  changed(nowMs: number): void {
    this.#sinceMs = nowMs;
  }

  describe({ device, chosenBy, discardedBytes }: ReaderReport): ReaderHealth {
    return {
      since: new Date(this.#sinceMs).toISOString(),
      ...(this.#lastFault === undefined ? {} : { lastFault: this.#lastFault }),
      ...(device === undefined ? {} : { device: device.slice(0, 200) }),
      ...(chosenBy === undefined ? {} : { chosenBy }),
      faults: [...this.#faults].map(([code, count]) => ({ code, count })),
      recoveries: this.#recoveries,
      restarts: this.#restarts,
      cardsSeen: this.#cardsSeen,
      discardedBytes: discardedBytes ?? 0,
    };
  }
}
