/**
 * What the keys on the box mean: OK and cancel answer the question to the patient, digits go into a PIN that is asked for.
 * The PIN stays in here until the card verifies it; outside it is a number of digits.
 */
import { type ErrorCode, SekishoError } from '#contract/errors.ts';
import type { PanelStatus } from '#contract/snapshot.ts';
import type { Clock } from '#ports/clock.ts';
import type { Panel, PanelKey } from '#ports/panel.ts';
import { withPatience } from './patience.ts';

export interface PanelParts {
  readonly panel: Panel;
  /** How long a PIN may take. */
  readonly pinEntryMs: number;
}

export interface PanelDeskOptions {
  readonly clock: Clock;
  /** Somebody pressed OK or cancel, and no PIN was asked for. */
  readonly onDecision: (decision: 'ok' | 'refused') => void;
  /** The number of digits changed, or the keypad came or went. */
  readonly changed: () => void;
}

/** Of the PINs of My Number and HPKI cards. */
const MIN_PIN_BYTES = 4;
const MAX_PIN_BYTES = 16;

interface Entry {
  readonly digits: Uint8Array;
  count: number;
  readonly done: (pin: Uint8Array) => void;
  readonly fail: (error: SekishoError) => void;
}

export class PanelDesk {
  readonly #parts: PanelParts | undefined;
  readonly #options: PanelDeskOptions;
  readonly #stop: () => void;
  #entry: Entry | undefined;

  constructor(parts: PanelParts | undefined, options: PanelDeskOptions) {
    this.#parts = parts;
    this.#options = options;
    const stop = parts?.panel.listen({
      onKey: (key) => this.#press(key),
      onChange: (isReady) => {
        if (!isReady) this.cancelEntry('panel.unplugged');
        options.changed();
      },
    });
    this.#stop = stop ?? (() => {});
  }

  /** Undefined without a panel. */
  get status(): PanelStatus | undefined {
    if (this.#parts === undefined) return undefined;
    const state = this.#parts.panel.isReady ? 'ready' : 'unplugged';
    return this.#entry === undefined ? { state } : { state, pinDigits: this.#entry.count };
  }

  /** Throws `panel.absent` or `panel.unplugged` when no PIN can be entered. */
  requireKeys(): PanelParts {
    if (this.#parts === undefined) throw new SekishoError('panel.absent');
    if (!this.#parts.panel.isReady) throw new SekishoError('panel.unplugged');
    return this.#parts;
  }

  /**
   * Resolves with the digits when OK was pressed after them; the caller overwrites them. Rejects `panel.*`; whatever was
   * entered until then is overwritten here.
   */
  async enterPin(signal: AbortSignal): Promise<Uint8Array> {
    const { pinEntryMs } = this.requireKeys();
    if (this.#entry !== undefined) throw new SekishoError('reader.busy');
    try {
      return await withPatience(this.#options.clock, pinEntryMs, 'panel.pin-expired', signal, (until) =>
        this.#collect(until),
      );
    } finally {
      this.#forget();
      this.#options.changed();
    }
  }

  cancelEntry(error: ErrorCode): void {
    this.#entry?.fail(new SekishoError(error));
  }

  close(): void {
    this.#stop();
    this.cancelEntry('panel.pin-cancelled');
  }

  #forget(): void {
    this.#entry?.digits.fill(0);
    this.#entry = undefined;
  }

  async #collect(until: AbortSignal): Promise<Uint8Array> {
    let onAbort = (): void => {};
    try {
      return await new Promise<Uint8Array>((resolve, reject) => {
        onAbort = () => reject(until.reason);
        until.addEventListener('abort', onAbort, { once: true });
        this.#entry = { digits: new Uint8Array(MAX_PIN_BYTES), count: 0, done: resolve, fail: reject };
        if (until.aborted) onAbort();
        else this.#options.changed();
      });
    } finally {
      until.removeEventListener('abort', onAbort);
    }
  }

  #press(key: PanelKey): void {
    const entry = this.#entry;
    if (entry === undefined) {
      if (key === 'ok') this.#options.onDecision('ok');
      if (key === 'cancel') this.#options.onDecision('refused');
      return;
    }
    switch (key) {
      case 'ok':
        if (entry.count >= MIN_PIN_BYTES) entry.done(entry.digits.slice(0, entry.count));
        return;
      case 'cancel':
        entry.fail(new SekishoError('panel.pin-cancelled'));
        return;
      case 'back':
        if (entry.count > 0) entry.digits[--entry.count] = 0;
        break;
      default:
        if (entry.count < MAX_PIN_BYTES) entry.digits[entry.count++] = key;
    }
    this.#options.changed();
  }
}
