/**
 * The enclosure switch as a level that is read again and again: a loop that is closed while the enclosure is. Who cannot be
 * read is open.
 */
import { readFileSync } from 'node:fs';
import type { Clock } from '#ports/clock.ts';
import type { TamperSwitch } from '#ports/surroundings.ts';

export interface LevelTamperOptions {
  /** What it says now; anything but `closedText` is open. */
  readonly read: () => Promise<string>;
  readonly closedText: string;
  /** Resolves when it may be time to read again, at the latest after a second; rejects never. */
  readonly wait: (signal: AbortSignal) => Promise<void>;
}

export class LevelTamperSwitch implements TamperSwitch {
  readonly #options: LevelTamperOptions;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(options: LevelTamperOptions) {
    this.#options = options;
  }

  start(onChange: (state: 'open' | 'closed') => void): void {
    this.#running = this.#watch(onChange);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #watch(onChange: (state: 'open' | 'closed') => void): Promise<void> {
    const { read, closedText, wait } = this.#options;
    const { signal } = this.#stop;
    let told: 'open' | 'closed' | undefined;
    while (!signal.aborted) {
      const text = await read().catch(() => '');
      const state = text.trim() === closedText ? 'closed' : 'open';
      if (state !== told && !signal.aborted) onChange(state);
      told = state;
      await wait(signal);
    }
  }
}

const FILE_EVERY_MS = 50;

/** A level in a file: `/sys/class/gpio/gpioN/value`, or a file that a test writes. */
export function fileTamperSwitch(path: string, closedText: string, clock: Clock): TamperSwitch {
  return new LevelTamperSwitch({
    read: async () => readFileSync(path, 'latin1'),
    closedText,
    wait: (signal) => clock.sleep(FILE_EVERY_MS, signal).catch(() => undefined),
  });
}
