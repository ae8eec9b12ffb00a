/** The operator session: opens with a card and PIN, ends by itself, dies with the network lease. */
import { fromHex } from '#card/bytes.ts';
import { type ErrorCode, SekishoError, toSekishoError } from '#contract/errors.ts';
import type { GatewayCore } from './core.ts';
import type { Caller, OperatorSession, SignInRequest } from './face.ts';
import type { OperatorCard } from './operator-card.ts';
import { OperatorLogin, type SignedIn } from './operator-login.ts';
import type { PanelDesk } from './panel-desk.ts';
import type { GatewayParts } from './parts.ts';
import type { ReaderSeat } from './reader-seat.ts';
import { RefusalLog } from './refusal-log.ts';
import type { SamKeeper } from './sam-keeper.ts';
import type { SamOrders } from './sam-orders.ts';
import { isSilence, type SamUnlock } from './sam-unlock.ts';
import { SignInLockout } from './sign-in-lockout.ts';
import { placeAllowed, placeError } from './state.ts';

export class OperatorSessions {
  readonly #parts: GatewayParts;
  readonly #core: GatewayCore;
  readonly #unlock: SamUnlock;
  readonly #keeper: SamKeeper;
  readonly #orders: SamOrders;
  readonly #login: OperatorLogin;
  readonly #refusals: RefusalLog;
  #timer = new AbortController();

  constructor(
    parts: GatewayParts,
    core: GatewayCore,
    seat: ReaderSeat,
    panel: PanelDesk,
    unlock: SamUnlock,
    keeper: SamKeeper,
    orders: SamOrders,
  ) {
    this.#parts = parts;
    this.#core = core;
    this.#unlock = unlock;
    this.#keeper = keeper;
    this.#refusals = new RefusalLog(parts);
    this.#orders = orders;
    const lockout = new SignInLockout(parts.signInFailures, parts.limits, parts.clock);
    this.#login = new OperatorLogin(parts, seat, panel, lockout);
  }

  /** Throws unless `caller` is signed in and an administrator; counts as activity. */
  requireAdministrator(caller: Caller): void {
    this.require(caller);
    const { operator } = this.#core.facts;
    if (operator.kind !== 'signedIn' || !operator.operator.roles.includes('administrator')) {
      throw new SekishoError('operator.role-insufficient');
    }
  }

  /** Throws unless `caller` is the operator who is signed in; counts as activity. */
  require(caller: Caller): void {
    const { operator } = this.#core.facts;
    if (operator.kind === 'none') throw new SekishoError('operator.not-signed-in');
    if (operator.operator.operatorId !== caller.operatorId) throw new SekishoError('operator.session-ended');
    const nowMs = this.#parts.clock.monotonicMs();
    if (nowMs >= Math.min(operator.untilMs, operator.idleUntilMs)) {
      this.#core.apply({ type: 'operatorTimedOut' });
      throw new SekishoError('operator.session-ended');
    }
    // One input a second is enough to stay awake; each costs every screen a snapshot.
    const idleUntilMs = nowMs + this.#parts.limits.operatorIdleMs;
    if (idleUntilMs - operator.idleUntilMs < 1_000) return;
    this.#core.apply({ type: 'operatorActive', idleUntilMs });
    this.#parts.samAccess.operator.active().catch(ignore);
  }

  /** Signs in; a SAM that is still locked is opened with the same card and PIN when the SP does not answer. */
  async signIn(request: SignInRequest, signal: AbortSignal): Promise<OperatorSession> {
    return this.#recordingRefusal(request.screen, async () => {
      this.requirePossible();
      // While the operator looks for the card: a SAM that fell silent is opened anew.
      const revived = this.#keeper.revive();
      const { operator, certificate, signature } = await this.#run(
        request,
        signal,
        async (signedIn, card) => {
          await revived;
          if (this.#core.facts.sam.kind === 'locked') await this.#openSam(signedIn, card);
        },
      );
      await this.#proveToBroker(certificate.keyId, signature);
      const { clock, limits } = this.#parts;
      const nowMs = clock.nowMs();
      const untilMs = clock.monotonicMs() + limits.operatorAbsoluteMs;
      const idleUntilMs = clock.monotonicMs() + limits.operatorIdleMs;
      await this.#parts.ledger.append({
        kind: 'operator-signed-in',
        at: new Date(nowMs).toISOString(),
        operatorId: operator.operatorId,
        cardKind: operator.cardKind,
        screen: request.screen,
      });
      this.#core.apply({ type: 'operatorSignedIn', operator, screen: request.screen, untilMs, idleUntilMs });
      this.#watch();
      return { operator, untilMs: nowMs + limits.operatorAbsoluteMs };
    });
  }

  async unlockOffline(request: SignInRequest, signal: AbortSignal): Promise<void> {
    await this.#recordingRefusal(request.screen, async () => {
      this.requirePossible();
      await this.#run(request, signal, (signedIn, card) => this.#openSam(signedIn, card));
    });
  }

  /** The caller once more, by card and PIN; `whileConfirmed` runs with the card in the field. */
  async confirm(
    caller: Caller,
    request: SignInRequest,
    signal: AbortSignal,
    whileConfirmed: (signedIn: SignedIn, card: OperatorCard) => Promise<void>,
  ): Promise<void> {
    await this.#recordingRefusal(request.screen, async () => {
      this.requirePossible();
      await this.#run({ ...request, onlyOperatorId: caller.operatorId }, signal, whileConfirmed);
    });
  }

  /** A place that is lost meanwhile ends the sign-in, also when it comes back at once. */
  async #run(
    request: SignInRequest,
    signal: AbortSignal,
    whileSignedIn: (signedIn: SignedIn, card: OperatorCard) => Promise<void>,
  ): Promise<SignedIn> {
    const left = new AbortController();
    const stopWatching = this.#core.subscribe(() => {
      const { facts } = this.#core;
      if (!placeAllowed(facts)) left.abort(new SekishoError(placeError(facts.network)));
    });
    try {
      return await this.#login.run(request, AbortSignal.any([signal, left.signal]), whileSignedIn);
    } finally {
      stopWatching();
    }
  }

  /** The session has ended when this settles, even when the ledger could not write it down. */
  async signOut(caller: Caller): Promise<void> {
    const { operator } = this.#core.facts;
    if (operator.kind === 'none' || operator.operator.operatorId !== caller.operatorId) return;
    this.#core.apply({ type: 'operatorSignedOut' });
    await this.#parts.ledger.append({
      kind: 'operator-signed-out',
      at: new Date(this.#parts.clock.nowMs()).toISOString(),
      operatorId: caller.operatorId,
      cardKind: operator.operator.cardKind,
      screen: caller.screen,
    });
  }

  /** Effect: the session has ended in the facts; screens learn it from the snapshot. */
  async drop(error: ErrorCode): Promise<void> {
    this.#timer.abort();
    this.#parts.logger.info('operator.session-dropped', { error });
    // A broker that cannot be reached holds no session either.
    await this.#parts.samAccess.operator.signOut().catch(ignore);
  }

  /** Needs the ledger, and the SAM for its stamp. */
  async close(): Promise<void> {
    this.#timer.abort();
    await this.#refusals.close();
  }

  /** Before the PIN is asked of a card: the place must be allowed and the reader free. */
  requirePossible(): void {
    const { facts } = this.#core;
    if (!placeAllowed(facts)) throw new SekishoError(placeError(facts.network));
    if (facts.tapRunning) throw new SekishoError('tap.busy');
  }

  /**
   * The broker uses the organisation key only for an operator who has proven to it, too, who that is. Before it has
   * seen a SAM it knows no roster: whoever signs in then may have to sign in again when there is one.
   */
  async #proveToBroker(keyId: string, signature: Uint8Array): Promise<void> {
    const hasSam = this.#core.facts.sam.kind !== 'absent';
    try {
      if (hasSam) await this.#unlock.bringRoster();
      await this.#parts.samAccess.operator.signIn(keyId, signature);
    } catch (thrown) {
      if (hasSam) throw thrown;
      this.#parts.logger.warn('operator.not-proven', { code: toSekishoError(thrown).code });
    }
  }

  /**
   * The SP first: it knows about theft. Its silence is no reason to keep a clinic waiting, its refusal is. Away from
   * home its yes opens nothing, for it is for the registered network: only its no counts.
   */
  async #openSam(signedIn: SignedIn, card: OperatorCard): Promise<void> {
    const isHome = this.#core.facts.network === 'registered';
    try {
      await (isHome ? this.#unlock.online() : this.#orders.follow());
      if (!isHome) await this.#signUnlock(signedIn, card);
    } catch (thrown) {
      if (!isSilence(thrown)) throw thrown;
      await this.#signUnlock(signedIn, card);
    }
  }

  #signUnlock(signedIn: SignedIn, card: OperatorCard): Promise<void> {
    const keyId = fromHex(signedIn.certificate.keyId);
    return this.#unlock.offline(
      async (message) => ({ keyId, signature: await card.sign(message) }),
      signedIn.operator.operatorId,
    );
  }

  async #recordingRefusal<T>(screen: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      const error = toSekishoError(thrown).code;
      if (error.startsWith('operator.')) await this.#refusals.record(error, screen);
      throw thrown;
    }
  }

  /** Ends the session at its limit even when nobody asks. */
  #watch(): void {
    this.#timer.abort();
    const timer = new AbortController();
    this.#timer = timer;
    const wait = async (): Promise<void> => {
      for (;;) {
        const { operator } = this.#core.facts;
        if (operator.kind === 'none') return;
        const leftMs = Math.min(operator.untilMs, operator.idleUntilMs) - this.#parts.clock.monotonicMs();
        if (leftMs <= 0) {
          this.#core.apply({ type: 'operatorTimedOut' });
          return;
        }
        await this.#parts.clock.sleep(Math.min(leftMs, 60_000), timer.signal);
      }
    };
    wait().catch(() => undefined);
  }
}

function ignore(): void {}
