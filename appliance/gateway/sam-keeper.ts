/** Keeps a SAM open for as long as the gateway runs, and tells the rules when it comes, goes, or locks itself. */
import { toSekishoError } from '#contract/errors.ts';
import type { GatewayCore } from './core.ts';
import type { GatewayParts } from './parts.ts';
import { withPatience } from './patience.ts';

/** A SAM in its slot is there at once; a slot driver that starts may take longer. */
const OPEN_PATIENCE_MS = 6_000;
const RETRY_PAUSE_MS = 1_000;

export class SamKeeper {
  readonly #parts: GatewayParts;
  readonly #core: GatewayCore;
  readonly #stop: AbortSignal;
  #keeping: Promise<void> = Promise.resolve();

  /** `stop` ends the keeping. */
  constructor(parts: GatewayParts, core: GatewayCore, stop: AbortSignal) {
    this.#parts = parts;
    this.#core = core;
    this.#stop = stop;
  }

  /** Resolves when the SAM was found, or looked for until `signal`; goes on keeping it either way. */
  async start(signal: AbortSignal): Promise<void> {
    const isFound = await this.#find(AbortSignal.any([signal, this.#stop]));
    this.#keeping = this.#keep(isFound).catch((thrown: unknown) => {
      if (!this.#stop.aborted) this.#parts.logger.error('sam.not-kept', { error: toSekishoError(thrown) });
    });
  }

  /** Resolves when the keeping has ended after `stop`. */
  ended(): Promise<void> {
    return this.#keeping;
  }

  /** Off and on again within a moment; a SAM that does not come back is lost. */
  async powerCycle(): Promise<void> {
    await this.#patiently((until) => this.#parts.samHolder.powerCycle(until));
  }

  /** The organisation key was used once. Counts along, so that no tap has to wait for the SAM's own count. */
  noteUse(): void {
    const { sam } = this.#core.facts;
    if (sam.kind === 'unlocked')
      this.#core.apply({ type: 'samUsed', usesLeft: Math.max(0, sam.usesLeft - 1) });
  }

  /** The SAM's own word counts, not our memory of it: its unlock ends by ticks, by uses and by reset. Never rejects. */
  async look(): Promise<void> {
    const { samHolder } = this.#parts;
    const sam = samHolder.current;
    if (sam === undefined) return;
    try {
      const { state, usesLeft } = await sam.status();
      if (samHolder.current !== sam || this.#core.facts.sam.kind !== 'unlocked') return;
      if (state === 'disabled') this.#core.apply({ type: 'samDisabled' });
      else if (state === 'unlocked-online' || state === 'unlocked-offline')
        this.#core.apply({ type: 'samUsed', usesLeft });
      else this.#core.apply({ type: 'samLocked', reason: 'sam.locked' });
    } catch (thrown) {
      if (samHolder.current !== sam) return;
      this.#parts.logger.warn('sam.failed', { code: toSekishoError(thrown).code });
      samHolder.drop(sam);
    }
  }

  async #keep(isFound: boolean): Promise<void> {
    for (let isThere = isFound; !this.#stop.aborted; isThere = await this.#find(this.#stop)) {
      if (isThere) {
        await this.#parts.samHolder.lost(this.#stop);
        this.#core.apply({ type: 'samLost' });
      } else await this.#parts.clock.sleep(RETRY_PAUSE_MS, this.#stop);
    }
  }

  /** Opens the SAM and tells the rules. False when there is none, or none that answers. */
  async #find(signal: AbortSignal): Promise<boolean> {
    const { samHolder, logger } = this.#parts;
    try {
      const sam = await this.#patiently((until) => samHolder.open(until), signal);
      const { state } = await sam.status();
      this.#core.apply({ type: state === 'disabled' ? 'samDisabled' : 'samFound' });
      return true;
    } catch (thrown) {
      if (!this.#stop.aborted) logger.warn('sam.not-found', { code: toSekishoError(thrown).code });
      return false;
    }
  }

  #patiently<T>(work: (signal: AbortSignal) => Promise<T>, signal = this.#stop): Promise<T> {
    return withPatience(this.#parts.clock, OPEN_PATIENCE_MS, 'sam.absent', signal, work);
  }
}
