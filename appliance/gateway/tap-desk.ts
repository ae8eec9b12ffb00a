/** One tap at a time, and the last few that have ended, so that a late screen can still ask for its result. */
import { type ErrorCode, SekishoError } from '#contract/errors.ts';
import type { ConsentText } from './consent.ts';
import type { GatewayCore } from './core.ts';
import type { Caller, StartTapRequest } from './face.ts';
import type { GatewayParts } from './parts.ts';
import { PersonLimit } from './person-limit.ts';
import type { ReaderSeat } from './reader-seat.ts';
import type { SamKeeper } from './sam-keeper.ts';
import { TapSession } from './tap-session.ts';

const REMEMBERED_TAPS = 8;

export class TapDesk {
  readonly #parts: GatewayParts;
  readonly #core: GatewayCore;
  readonly #seat: ReaderSeat;
  readonly #keeper: SamKeeper;
  readonly #personLimit: PersonLimit;
  #taps: readonly TapSession[] = [];

  constructor(parts: GatewayParts, core: GatewayCore, seat: ReaderSeat, keeper: SamKeeper) {
    this.#parts = parts;
    this.#core = core;
    this.#seat = seat;
    this.#keeper = keeper;
    this.#personLimit = new PersonLimit(parts.personUses, parts.limits.tapsPerCardPerDay, parts.clock);
  }

  /** The newest tap, running or just ended. */
  get current(): TapSession | undefined {
    return this.#taps[0];
  }

  start(caller: Caller, request: StartTapRequest): { tapId: string; consentText: ConsentText } {
    this.#core.apply({ type: 'tapRequested' });
    const tap = new TapSession(
      {
        gateway: this.#parts,
        seat: this.#seat,
        personLimit: this.#personLimit,
        sam: this.#keeper,
        changed: () => this.#core.publish(),
        stepped: () => this.#core.publish('step'),
        ended: () => this.#core.apply({ type: 'tapEnded' }),
      },
      caller,
      request,
    );
    this.#taps = [tap, ...this.#taps].slice(0, REMEMBERED_TAPS);
    this.#core.publish();
    // A SAM that locked itself ends the tap before the patient has read the question.
    void this.#keeper.look();
    return { tapId: tap.tapId, consentText: tap.consentText };
  }

  require(tapId: string): TapSession {
    const tap = this.#taps.find((each) => each.tapId === tapId);
    if (tap === undefined) throw new SekishoError('tap.unknown');
    return tap;
  }

  /** Somebody pressed a key on the box; means nothing unless a patient is being asked. */
  async decideByKey(decision: 'ok' | 'refused'): Promise<void> {
    const tap = this.current;
    if (tap?.progress().state !== 'waitingForConsent') return;
    await tap.decideConsent(decision, 'button').catch((thrown: unknown) => {
      this.#parts.logger.warn('tap.consent-not-recorded', { tapId: tap.tapId, error: thrown });
    });
  }

  async abort(error: ErrorCode): Promise<void> {
    await this.current?.abort(error);
  }
}
