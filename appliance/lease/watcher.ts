/**
 * Keeps the lease: asks the anchor, listens to the system, lets `rules.ts` decide, and tells at once when it is over.
 * Whether an answer is genuine is not decided here but by the verifier, which holds the SAM.
 */
import type { LeaseEnd, NetworkFact } from '#contract/network.ts';
import type { Clock } from '#ports/clock.ts';
import type { LeaseAnswer, LeaseVerifier } from '#ports/lease-verifier.ts';
import type { Logger } from '#ports/logger.ts';
import type {
  AnchorLine,
  BootClock,
  NetworkEvent,
  NetworkEye,
  NetworkSight,
  TamperSwitch,
} from '#ports/surroundings.ts';
import {
  INITIAL_LEASE,
  isLeasable,
  type LeaseInput,
  type LeaseState,
  networkFact,
  transition,
} from './rules.ts';
import { placeChange, rememberSight } from './sight.ts';
import { TimeLeaps } from './time-leap.ts';

export interface LeaseOptions {
  /** How long the anchor may be silent; counted from the last question that it answered. */
  readonly graceMs: number;
  readonly askEveryMs: number;
}

export interface LeaseParts {
  readonly options: LeaseOptions;
  readonly verifier: LeaseVerifier;
  readonly anchors: AnchorLine;
  readonly eye: NetworkEye;
  /** Without one the enclosure counts as closed. */
  readonly tamper?: TamperSwitch | undefined;
  /** Called when the enclosure is open, wherever the appliance is, with a lease or without. */
  readonly onTampered?: () => void;
  readonly boot: BootClock;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called in the very moment in which a lease ends, before anything else is done. */
  readonly onLost: (reason: LeaseEnd) => void;
  /** Called when `fact` or `lastEnd` may have changed; a lost lease has been told before. */
  readonly onChange: () => void;
}

/** An unanswered question is followed by the next after this time: one lost datagram is no incident. */
const ASK_AGAIN_MS = 300;
/** How often the clocks are compared. */
const PULSE_MS = 250;

export class LeaseWatcher {
  readonly #parts: LeaseParts;
  readonly #leaps: TimeLeaps;
  readonly #stop = new AbortController();
  #state: LeaseState = INITIAL_LEASE;
  #sinceMs: number;
  #lastEnd: { readonly reason: LeaseEnd; readonly atMs: number } | undefined;
  /** How it looks now, and how it looked when the lease began. */
  #seen: NetworkSight | undefined;
  #home: NetworkSight | undefined;
  /** Ends the pause between two questions. */
  #hurry = new AbortController();
  #isVerifierGone = false;
  #running: Promise<unknown> = Promise.resolve();

  constructor(parts: LeaseParts) {
    this.#parts = parts;
    this.#leaps = new TimeLeaps(parts.clock, parts.boot);
    this.#sinceMs = parts.clock.nowMs();
  }

  get fact(): NetworkFact {
    return networkFact(this.#state);
  }

  /** Wall-clock time since which `fact` is what it is. */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  get lastEnd(): { readonly reason: LeaseEnd; readonly atMs: number } | undefined {
    return this.#lastEnd;
  }

  /** How old the last granted question is; undefined without a lease. */
  get ageMs(): number | undefined {
    const { grantedAtMs } = this.#state;
    return grantedAtMs === undefined ? undefined : this.#parts.clock.monotonicMs() - grantedAtMs;
  }

  async start(): Promise<void> {
    const { anchors, eye, tamper, onTampered } = this.#parts;
    this.#leaps.check();
    await anchors.start((datagram) => void this.#hear(datagram));
    if (tamper !== undefined) {
      this.#apply({ type: 'enclosureOpened' });
      tamper.start((state) => {
        this.#apply({ type: state === 'open' ? 'enclosureOpened' : 'enclosureClosed' });
        if (state === 'open') onTampered?.();
      });
    }
    eye.start((event) => this.#see(event));
    this.#running = Promise.all([this.#ask(), this.#pulse()]);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#hurry.abort();
    const { anchors, eye, tamper } = this.#parts;
    await Promise.all([this.#running, eye.close(), tamper?.close(), anchors.close()]);
  }

  #see(event: NetworkEvent): void {
    if (event.type === 'linkDown') {
      this.#apply({ type: 'linkDown' });
      return;
    }
    if (event.type === 'blind') {
      this.#seen = undefined;
      this.#apply({ type: 'watchBlind' });
      return;
    }
    this.#look(event.sight);
    if (event.type === 'seeing') this.#apply({ type: 'watchSeeing' });
    this.#hurry.abort();
  }

  #look(sight: NetworkSight): void {
    this.#seen = sight;
    this.#apply({ type: sight.carrier ? 'linkUp' : 'linkDown' });
    if (this.#home === undefined) return;
    const what = placeChange(this.#home, sight);
    if (what !== undefined) this.#apply({ type: 'placeChanged', what });
    else this.#home = rememberSight(this.#home, sight);
  }

  async #hear(datagram: Uint8Array): Promise<void> {
    const receivedAtMs = this.#parts.clock.monotonicMs();
    try {
      const answer = await this.#parts.verifier.answer(datagram);
      if (!this.#stop.signal.aborted) this.#heed(answer, receivedAtMs);
    } catch (thrown) {
      this.#missVerifier(thrown);
    }
  }

  /** The age is of a later moment than `receivedAtMs`: the question was made then or after. */
  #heed({ verdict, ageMs }: LeaseAnswer, receivedAtMs: number): void {
    switch (verdict) {
      case 'granted':
        this.#apply({ type: 'granted', askedAtMs: receivedAtMs - ageMs });
        break;
      case 'not-registered':
        this.#apply({ type: 'refused', because: 'device-not-registered' });
        break;
      case 'revoked':
        this.#apply({ type: 'refused', because: 'device-revoked' });
        break;
      case 'wrong-key':
        this.#apply({ type: 'anchorReplaced' });
        break;
      case 'ignored':
        this.#parts.logger.debug('lease.answer-ignored');
        break;
    }
  }

  #missVerifier(error: unknown): void {
    // Said once: it is asked every second. Silence ends the lease by itself.
    if (!this.#isVerifierGone) this.#parts.logger.error('lease.verifier-gone', { error });
    this.#isVerifierGone = true;
  }

  async #ask(): Promise<void> {
    const { verifier, anchors, options } = this.#parts;
    while (!this.#stop.signal.aborted) {
      const { grantedAtMs } = this.#state;
      if (isLeasable(this.#state)) {
        try {
          anchors.send(await verifier.question());
          this.#isVerifierGone = false;
        } catch (thrown) {
          this.#missVerifier(thrown);
        }
      }
      await this.#pause(Math.min(ASK_AGAIN_MS, options.askEveryMs));
      const isAnswered = this.#state.grantedAtMs !== grantedAtMs;
      const restMs = options.askEveryMs - ASK_AGAIN_MS;
      if (isAnswered && restMs > 0) await this.#pause(restMs);
    }
  }

  /** Until the time is over, or something new is there to ask about. */
  async #pause(ms: number): Promise<void> {
    if (this.#stop.signal.aborted) return;
    const { signal } = this.#hurry;
    await this.#parts.clock.sleep(ms, signal).catch(() => undefined);
    if (signal.aborted) this.#hurry = new AbortController();
  }

  /** Compares the clocks, and ends what is too old in its very moment. */
  async #pulse(): Promise<void> {
    const { clock, options } = this.#parts;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const { grantedAtMs } = this.#state;
      const restMs =
        grantedAtMs === undefined ? PULSE_MS : Math.ceil(grantedAtMs + options.graceMs - clock.monotonicMs());
      await clock.sleep(Math.max(1, Math.min(PULSE_MS, restMs)), signal).catch(() => undefined);
      if (!signal.aborted) this.#apply({ type: 'tick' });
    }
  }

  #apply(input: LeaseInput): void {
    const leap = this.#leaps.check();
    if (leap !== undefined) this.#step({ type: 'timeLeapt', what: leap });
    this.#step(input);
  }

  #step(input: LeaseInput): void {
    const { clock, options, logger } = this.#parts;
    const was = this.fact;
    const now = { nowMs: clock.monotonicMs(), graceMs: options.graceMs };
    const { state, change } = transition(this.#state, input, now);
    this.#state = state;
    if (change !== undefined && 'ended' in change) {
      this.#home = undefined;
      this.#sinceMs = clock.nowMs();
      this.#lastEnd = { reason: change.ended, atMs: clock.nowMs() };
      this.#parts.onLost(change.ended);
      logger.warn('lease.ended', { reason: change.ended });
      this.#hurry.abort();
    }
    if (change !== undefined && 'began' in change) {
      this.#home = this.#seen;
      logger.info('lease.began');
    }
    if (was === this.fact && change === undefined) return;
    this.#sinceMs = clock.nowMs();
    this.#parts.onChange();
  }
}
