/** The power of the SAM: on, off at once from whatever state, and whose power-up this is. */
import type { CardChannel, CardReader } from '#card/channel.ts';
import { isSekishoError, SekishoError } from '#contract/errors.ts';
import { openSam, type Sam } from '#sam/sam.ts';

/** A slot whose channel takes the power off when it is closed, also in the middle of an exchange. */
export interface SamSlot extends CardReader {
  /** Off by force, whoever holds the SAM; whoever holds it for us has let go when this returns. Rejects `sam.lock-failed`. */
  cut?(): Promise<void>;
}

export interface PoweredSam {
  /** Counts the power-ups since the broker started, from 1. */
  readonly powerUp: number;
  readonly sam: Sam;
  readonly institutionCode: string;
  /** Aborted when the power is off. */
  readonly end: AbortController;
  /** Unlocked in this power-up, for a network that was checked. */
  isUnlocked: boolean;
}

export class SamPower {
  readonly #slot: SamSlot;
  readonly #onLost: (powerUp: number) => void;
  #powerUps = 0;
  #powered: PoweredSam | undefined;
  #opening: { readonly done: Promise<PoweredSam>; readonly stop: AbortController } | undefined;
  #off: Promise<void> = Promise.resolve();

  constructor(slot: SamSlot, onLost: (powerUp: number) => void) {
    this.#slot = slot;
    this.#onLost = onLost;
  }

  get powered(): PoweredSam | undefined {
    return this.#powered;
  }

  /** Joins an opening that is under way. Rejects `sam.*`. */
  open(): Promise<PoweredSam> {
    if (this.#powered !== undefined) return Promise.resolve(this.#powered);
    if (this.#opening !== undefined) return this.#opening.done;
    const stop = new AbortController();
    const done = this.#off
      .then(() => this.#open(stop.signal))
      .finally(() => {
        if (this.#opening?.stop === stop) this.#opening = undefined;
      });
    this.#opening = { done, stop };
    return done;
  }

  cancelOpen(): void {
    this.#opening?.stop.abort(new SekishoError('sam.absent'));
  }

  /** Off at once; resolves when it is, and the volatile unlock state with it. Rejects `sam.lock-failed` when it stays on. */
  off(): Promise<void> {
    this.cancelOpen();
    const [powered, opening] = [this.#powered, this.#opening?.done];
    this.#powered = this.#opening = undefined;
    powered?.end.abort();
    if (powered === undefined && opening === undefined) return this.#off;
    // At once, not after what is being shut already.
    const off = this.#unpower(powered?.sam);
    const opened = opening?.catch(ignore);
    const done = Promise.all([this.#off, off, opened]).then(ignore);
    this.#off = done.catch(ignore);
    return done;
  }

  /** Whatever a process before this one left open is shut, before anything else. Never rejects. */
  async clear(signal: AbortSignal): Promise<void> {
    try {
      const channel = await this.#slot.waitForCard(signal);
      await channel.close();
    } catch (thrown) {
      // It is there and cannot be had: whoever died with it left it in the middle of a command.
      if (isSekishoError(thrown, 'sam.held-elsewhere', 'sam.timeout')) await this.#slot.cut?.().catch(ignore);
    }
  }

  /** Runs `work` on the SAM of this power-up; its answer counts only while that one lasts. */
  async run<T>(powerUp: number, work: (powered: PoweredSam) => Promise<T>): Promise<T> {
    const powered = this.#powered;
    if (powered === undefined) throw new SekishoError('sam.absent');
    if (powered.powerUp !== powerUp) throw new SekishoError('sam.locked', { context: { powerUp } });
    const result = await work(powered);
    if (this.#powered !== powered) throw new SekishoError('sam.locked');
    return result;
  }

  /** The SAM answers no more: off, and told. */
  drop(powerUp: number): void {
    if (this.#powered?.powerUp !== powerUp) return;
    this.off().catch(ignore);
    this.#onLost(powerUp);
  }

  async close(): Promise<void> {
    await this.off().catch(ignore);
    await this.#slot.close();
  }

  async #open(signal: AbortSignal): Promise<PoweredSam> {
    const channel = await this.#slot.waitForCard(signal);
    const shut = (): void => void channel.close().catch(ignore);
    signal.addEventListener('abort', shut, { once: true });
    if (signal.aborted) shut();
    try {
      const sam = await openSam(channel);
      const institutionCode = await sam.institutionCode();
      signal.throwIfAborted();
      return this.#hold(channel, sam, institutionCode);
    } catch (thrown) {
      await channel.close();
      throw thrown;
    } finally {
      signal.removeEventListener('abort', shut);
    }
  }

  #hold(channel: CardChannel, sam: Sam, institutionCode: string): PoweredSam {
    this.#powerUps += 1;
    const powerUp = this.#powerUps;
    const end = new AbortController();
    this.#powered = { powerUp, sam, institutionCode, end, isUnlocked: false };
    // Also when the slot itself fails: a SAM that nobody can watch is opened anew.
    const gone = (): void => this.drop(powerUp);
    this.#slot.waitForRemoval(channel, end.signal).then(gone, gone);
    return this.#powered;
  }

  async #unpower(sam: Sam | undefined): Promise<void> {
    try {
      await sam?.close();
    } catch (cause) {
      throw new SekishoError('sam.lock-failed', { cause });
    }
  }
}

function ignore(): void {}
