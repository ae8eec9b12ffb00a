/** A USB keypad or button, ours alone, that may be unplugged and come back. */
import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { SekishoError, toSekishoError } from '#contract/errors.ts';
import type { Clock } from '#ports/clock.ts';
import type { Logger } from '#ports/logger.ts';
import type { Panel, PanelListener } from '#ports/panel.ts';
import { type FoundKeypad, HidTree } from './hid-tree.ts';
import { type HidLine, type OpenHidLine, openHidraw } from './hidraw.ts';
import { type KeyMapOptions, KeyPresses, makeKeyMap } from './key-map.ts';
import { readPressedUsages } from './report-descriptor.ts';

export interface HidPanelOptions {
  /** "04d9:a02a" as `lsusb` shows it. */
  readonly usbId: string;
  readonly keys?: KeyMapOptions | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** For tests. */
  readonly sysfsFolder?: string;
  readonly deviceFolder?: string;
  readonly openLine?: OpenHidLine;
}

/** How often a missing keypad is looked for. */
const LOOK_EVERY_MS = 500;

export class HidPanel implements Panel {
  readonly #options: HidPanelOptions;
  readonly #tree: HidTree;
  readonly #listeners = new Set<PanelListener>();
  readonly #end = new AbortController();
  readonly #watching: Promise<void>;
  #lines: readonly HidLine[] = [];
  #isReady = false;
  #lastProblem = '';

  /** Begins to look for the keypad at once. */
  constructor(options: HidPanelOptions) {
    this.#options = options;
    this.#tree = new HidTree(options.sysfsFolder);
    this.#watching = this.#watch();
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  listen(listener: PanelListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#end.abort();
    await this.#watching;
  }

  async #watch(): Promise<void> {
    const { clock } = this.#options;
    while (!this.#end.signal.aborted) {
      try {
        await this.#openUntilLost();
      } catch (thrown) {
        this.#tell(toSekishoError(thrown));
      }
      await clock.sleep(LOOK_EVERY_MS, this.#end.signal).catch(() => undefined);
    }
  }

  /** Resolves when the keypad has gone again; rejects when it cannot be had. */
  async #openUntilLost(): Promise<void> {
    const keypads = await this.#tree.findKeypads(this.#options.usbId);
    if (keypads.length === 0) throw new SekishoError('panel.unplugged');
    const lost = new AbortController();
    const onEnd = (): void => lost.abort();
    this.#end.signal.addEventListener('abort', onEnd, { once: true });
    try {
      for (const keypad of keypads) await this.#open(keypad, () => lost.abort());
      this.#become(true);
      await new Promise<void>((resolve) => {
        if (lost.signal.aborted) resolve();
        else lost.signal.addEventListener('abort', () => resolve(), { once: true });
      });
    } finally {
      this.#end.signal.removeEventListener('abort', onEnd);
      const lines = this.#lines;
      this.#lines = [];
      await Promise.all(lines.map((line) => line.close()));
      this.#become(false);
    }
  }

  async #open({ node, fields }: FoundKeypad, onLost: () => void): Promise<void> {
    const path = join(this.#options.deviceFolder ?? '/dev', node);
    const open = this.#options.openLine ?? openHidraw;
    await this.#tree.takeFromOthers(node);
    await access(path, constants.R_OK | constants.W_OK).catch((cause: unknown) => {
      throw new SekishoError('panel.forbidden', { cause, context: { node } });
    });
    const presses = new KeyPresses(makeKeyMap(this.#options.keys));
    const line = await open(path, {
      onReport: (report) => {
        const down = readPressedUsages(fields, report);
        report.fill(0);
        if (down === undefined) return;
        for (const key of presses.next(down))
          for (const listener of [...this.#listeners]) listener.onKey(key);
      },
      onLost,
    }).catch((cause: unknown) => {
      throw new SekishoError('panel.unplugged', { cause, context: { node } });
    });
    this.#lines = [...this.#lines, line];
  }

  #become(isReady: boolean): void {
    if (this.#isReady === isReady) return;
    this.#isReady = isReady;
    this.#lastProblem = '';
    this.#options.logger.info('panel.changed', { isReady });
    for (const listener of [...this.#listeners]) listener.onChange(isReady);
  }

  /** Once for each kind of problem, not twice a second. */
  #tell(error: SekishoError): void {
    if (this.#lastProblem === error.code) return;
    this.#lastProblem = error.code;
    this.#options.logger.warn('panel.missing', { code: error.code, error });
  }
}
