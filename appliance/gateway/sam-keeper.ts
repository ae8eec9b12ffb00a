/** Keeps a SAM open for as long as the gateway runs, and tells the rules when it comes, goes, or locks itself. */
import { isSekishoError, toSekishoError } from '#contract/errors.ts';
import type { GatewayCore } from './core.ts';
import type { GatewayParts } from './parts.ts';
import { withPatience } from './patience.ts';

/** A SAM in its slot is there at once; a slot driver that starts may take longer. */
const OPEN_PATIENCE_MS = 6_000;
const RETRY_PAUSE_MS = 1_000;
/** A SAM that was not heard from for so long is asked whether it is still there. */
const SILENCE_MS = 10_000;

export class SamKeeper {
  readonly #parts: GatewayParts;
  readonly #core: GatewayCore;
  readonly #stop: AbortSignal;
  #keeping: Promise<void> = Promise.resolve();
  #watching: Promise<void> = Promise.resolve();
  /** When the SAM last answered, monotonic. */
  #heardAtMs = 0;
  /** Of the last time that it was locked or powered anew. */
  #shutting: Promise<void> = Promise.resolve();
  #isShut = true;
  #afterFind: (() => void)[] = [];
  #afterShut: (() => void)[] = [];

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
    // Nobody waits for a SAM that is not looked for any more.
    void this.#keeping.then(() => this.#tellFound());
    this.#watching = this.#watch().catch(() => undefined);
  }

  /** Resolves when the keeping has ended after `stop`. */
  async ended(): Promise<void> {
    await Promise.all([this.#keeping, this.#watching]);
  }

  /** Place and operator are to be proven anew: off at once, and on again within a moment; what does not come back is lost. */
  wipe(reason: string): Promise<void> {
    // Begun together: whoever waits for the SAM waits for the one that comes back.
    const wiped = this.#parts.samAccess.wipe(reason);
    wiped.catch(() => undefined);
    this.#shutting = this.#powerCycle(wiped);
    return this.#shutting;
  }

  /**
   * Locks the SAM; one that does not obey is powered off and on again. Rejects `sam.lock-failed` when neither can be
   * done: then the SAM counts as absent, until SELECT has locked it (docs/sam-profile.md).
   */
  lock(): Promise<void> {
    this.#shutting = this.#lock();
    return this.#shutting;
  }

  /** Whether the last lock or power cycle has made sure that the SAM is locked; waits for one under way. */
  async isShut(): Promise<boolean> {
    await this.#shutting.catch(() => undefined);
    return this.#isShut;
  }

  /** Runs `work` as soon as it is sure that the SAM is locked. */
  onceShut(work: () => void): void {
    if (this.#isShut) work();
    else this.#afterShut.push(work);
  }

  /** Looks whether the SAM still answers; a dead line is opened anew. Resolves when that was tried. Never rejects. */
  async revive(): Promise<void> {
    const { samAccess } = this.#parts;
    const sam = samAccess.current;
    if (sam === undefined || this.#stop.aborted) return;
    let tell: (() => void) | undefined;
    const found = new Promise<void>((resolve) => {
      tell = resolve;
      this.#afterFind.push(resolve);
    });
    await this.look();
    if (samAccess.current === undefined) await found;
    this.#afterFind = this.#afterFind.filter((each) => each !== tell);
  }

  /** The organisation key was used once. Counts along, so that no tap has to wait for the SAM's own count. */
  noteUse(): void {
    const { sam } = this.#core.facts;
    this.#heard();
    if (sam.kind === 'unlocked')
      this.#core.apply({ type: 'samUsed', usesLeft: Math.max(0, sam.usesLeft - 1) });
  }

  /** A tap failed: is it the SAM, or does the broker know of no operator any more? */
  noteRefusal(thrown: unknown): void {
    const { code } = toSekishoError(thrown);
    if (code.startsWith('sam.')) void this.look();
    else if (isSekishoError(thrown, 'operator.not-signed-in', 'operator.session-ended'))
      this.#core.apply({ type: 'operatorTimedOut' });
  }

  /** The SAM's own word counts, not our memory of it: its unlock ends by ticks, by uses and by reset. Never rejects. */
  async look(): Promise<void> {
    const { samAccess } = this.#parts;
    const sam = samAccess.current;
    if (sam === undefined) return;
    try {
      const { state, usesLeft } = await sam.status();
      this.#heard();
      const { kind } = this.#core.facts.sam;
      if (samAccess.current !== sam || (kind !== 'unlocked' && kind !== 'locked')) return;
      if (state === 'disabled') this.#core.apply({ type: 'samDisabled' });
      else if (kind === 'locked') return;
      else if (state === 'unlocked-online' || state === 'unlocked-offline')
        this.#core.apply({ type: 'samUsed', usesLeft });
      else this.#core.apply({ type: 'samLocked', reason: 'sam.locked' });
    } catch (thrown) {
      if (samAccess.current !== sam) return;
      this.#parts.logger.warn('sam.failed', { code: toSekishoError(thrown).code });
      samAccess.drop(sam);
    }
  }

  async #keep(isFound: boolean): Promise<void> {
    for (let isThere = isFound; !this.#stop.aborted; isThere = await this.#find(this.#stop)) {
      if (isThere) {
        await this.#parts.samAccess.lost(this.#stop);
        this.#core.apply({ type: 'samLost' });
      } else await this.#parts.clock.sleep(RETRY_PAUSE_MS, this.#stop);
    }
  }

  async #powerCycle(wiped: Promise<void> = Promise.resolve()): Promise<void> {
    const cycled = this.#patiently((until) => this.#parts.samAccess.powerCycle(until));
    const [off, on] = await Promise.allSettled([wiped, cycled]);
    const failures = [off, on].flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
    // Without power it is locked, whether it comes back or not; and SELECT has locked one that came back.
    const stuck = failures.find((thrown) => isSekishoError(thrown, 'sam.lock-failed'));
    this.#noteShut(on.status === 'fulfilled' || stuck === undefined);
    if (on.status === 'rejected') throw stuck ?? on.reason;
    // Nobody else looks for a SAM that has come back by itself.
    this.#tellFound();
  }

  async #lock(): Promise<void> {
    const { samAccess, logger } = this.#parts;
    samAccess.forgetCertificates();
    const sam = samAccess.current;
    if (sam === undefined) return;
    try {
      await sam.lock();
      this.#noteShut(true);
    } catch (thrown) {
      logger.warn('sam.lock-refused', { code: toSekishoError(thrown).code });
      await this.#powerCycle();
    }
  }

  /** Also a locked SAM is looked after: it must be there when somebody wants it open. */
  async #watch(): Promise<void> {
    const { clock } = this.#parts;
    this.#heard();
    while (!this.#stop.aborted) {
      const silentMs = clock.monotonicMs() - this.#heardAtMs;
      if (silentMs < SILENCE_MS) await clock.sleep(SILENCE_MS - silentMs, this.#stop);
      else {
        await this.look();
        this.#heard();
      }
    }
  }

  #noteShut(isShut: boolean): void {
    this.#isShut = isShut;
    if (isShut) for (const work of this.#afterShut.splice(0)) work();
  }

  #tellFound(): void {
    for (const tell of this.#afterFind.splice(0)) tell();
  }

  #heard(): void {
    this.#heardAtMs = this.#parts.clock.monotonicMs();
  }

  /** Opens the SAM and tells the rules. False when there is none, or none that answers. */
  async #find(signal: AbortSignal): Promise<boolean> {
    const { samAccess, logger } = this.#parts;
    try {
      const sam = await this.#patiently((until) => samAccess.open(until), signal);
      const { state } = await sam.status();
      // SELECT has locked it, whatever it was before.
      this.#noteShut(true);
      this.#heard();
      this.#core.apply({ type: state === 'disabled' ? 'samDisabled' : 'samFound' });
      return true;
    } catch (thrown) {
      if (!this.#stop.aborted) logger.warn('sam.not-found', { code: toSekishoError(thrown).code });
      return false;
    } finally {
      this.#tellFound();
    }
  }

  #patiently<T>(work: (signal: AbortSignal) => Promise<T>, signal = this.#stop): Promise<T> {
    return withPatience(this.#parts.clock, OPEN_PATIENCE_MS, 'sam.absent', signal, work);
  }
}
