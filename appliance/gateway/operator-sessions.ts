/** The operator session: opens with a card and PIN, ends by itself, dies with the network lease. */
import { type ErrorCode, isSekishoError, SekishoError, toSekishoError } from '#contract/errors.ts';
import type { GatewayCore } from './core.ts';
import type { Caller, OperatorSession, SignInRequest } from './face.ts';
import type { OperatorCard } from './operator-card.ts';
import { OperatorLogin, operatorKeyId, type SignedIn } from './operator-login.ts';
import type { GatewayParts } from './parts.ts';
import type { SamUnlock } from './sam-unlock.ts';
import { SignInLockout } from './sign-in-lockout.ts';
import { placeAllowed, placeError } from './state.ts';

export class OperatorSessions {
  readonly #parts: GatewayParts;
  readonly #core: GatewayCore;
  readonly #unlock: SamUnlock;
  readonly #login: OperatorLogin;
  #timer = new AbortController();

  constructor(parts: GatewayParts, core: GatewayCore, unlock: SamUnlock) {
    this.#parts = parts;
    this.#core = core;
    this.#unlock = unlock;
    const { operatorFailures, operatorLockOutMs } = parts.limits;
    this.#login = new OperatorLogin(
      parts,
      new SignInLockout(parts.clock, operatorFailures, operatorLockOutMs),
    );
  }

  /** Throws unless `caller` is the operator who is signed in; counts as activity. */
  require(caller: Caller): void {
    const { operator } = this.#core.facts;
    if (operator.kind === 'none') throw new SekishoError('operator.not-signed-in');
    if (operator.operator.operatorId !== caller.operatorId) throw new SekishoError('operator.session-ended');
    const nowMs = this.#parts.clock.nowMs();
    if (nowMs >= Math.min(operator.untilMs, operator.idleUntilMs)) {
      this.#core.apply({ type: 'operatorTimedOut' });
      throw new SekishoError('operator.session-ended');
    }
    // One input a second is enough to stay awake; each costs every screen a snapshot.
    const idleUntilMs = nowMs + this.#parts.limits.operatorIdleMs;
    if (idleUntilMs - operator.idleUntilMs >= 1_000)
      this.#core.apply({ type: 'operatorActive', idleUntilMs });
  }

  /** Signs in; a SAM that is still locked is opened with the same card and PIN when the SP does not answer. */
  async signIn(request: SignInRequest, signal: AbortSignal): Promise<OperatorSession> {
    if (!placeAllowed(this.#core.facts)) throw new SekishoError(placeError(this.#core.facts.network));
    if (this.#core.facts.tapRunning) throw new SekishoError('tap.busy');
    try {
      const { operator } = await this.#withCard(request, signal, async (signedIn, card) => {
        if (this.#core.facts.sam.kind === 'locked') await this.#openSam(signedIn, card, signal);
      });
      const nowMs = this.#parts.clock.nowMs();
      const { operatorAbsoluteMs, operatorIdleMs } = this.#parts.limits;
      const untilMs = nowMs + operatorAbsoluteMs;
      const idleUntilMs = nowMs + operatorIdleMs;
      await this.#parts.ledger.append({
        kind: 'operator-signed-in',
        at: new Date(nowMs).toISOString(),
        operatorId: operator.operatorId,
        cardKind: operator.cardKind,
        screen: request.screen,
      });
      this.#core.apply({ type: 'operatorSignedIn', operator, screen: request.screen, untilMs, idleUntilMs });
      this.#watch();
      return { operator, untilMs };
    } catch (thrown) {
      await this.#recordRefusal(thrown, request.screen);
      throw thrown;
    }
  }

  async unlockOffline(request: SignInRequest, signal: AbortSignal): Promise<void> {
    await this.#withCard(request, signal, (signedIn, card) => this.#signUnlock(signedIn, card));
  }

  async signOut(caller: Caller): Promise<void> {
    const { operator } = this.#core.facts;
    if (operator.kind === 'none' || operator.operator.operatorId !== caller.operatorId) return;
    await this.#parts.ledger.append({
      kind: 'operator-signed-out',
      at: new Date(this.#parts.clock.nowMs()).toISOString(),
      operatorId: caller.operatorId,
      cardKind: operator.operator.cardKind,
      screen: caller.screen,
    });
    this.#core.apply({ type: 'operatorSignedOut' });
  }

  /** Effect: the session has ended in the facts; screens learn it from the snapshot. */
  async drop(error: ErrorCode): Promise<void> {
    this.#timer.abort();
    this.#parts.logger.info('operator.session-dropped', { error });
  }

  close(): void {
    this.#timer.abort();
  }

  async #withCard(
    request: SignInRequest,
    signal: AbortSignal,
    whileSignedIn: (signedIn: SignedIn, card: OperatorCard) => Promise<void>,
  ): Promise<SignedIn> {
    const patience = new AbortController();
    this.#parts.clock.sleep(this.#parts.limits.cardWaitMs, patience.signal).then(
      () => patience.abort(new SekishoError('card.not-found')),
      () => undefined,
    );
    try {
      return await this.#login.run(request, AbortSignal.any([signal, patience.signal]), whileSignedIn);
    } finally {
      patience.abort();
    }
  }

  /** The SP first: it knows about theft. Its silence is no reason to keep a clinic waiting, its refusal is. */
  async #openSam(signedIn: SignedIn, card: OperatorCard, signal: AbortSignal): Promise<void> {
    try {
      await this.#unlock.online(signal);
    } catch (thrown) {
      if (
        !isSekishoError(thrown, 'centre.unreachable', 'centre.timeout', 'centre.garbled', 'centre.untrusted')
      )
        throw thrown;
      await this.#signUnlock(signedIn, card);
    }
  }

  #signUnlock(signedIn: SignedIn, card: OperatorCard): Promise<void> {
    const keyId = operatorKeyId(signedIn.certificate);
    return this.#unlock.offline(
      async (message) => ({ keyId, signature: await card.sign(message) }),
      signedIn.operator.operatorId,
    );
  }

  async #recordRefusal(thrown: unknown, screen: string): Promise<void> {
    const error = toSekishoError(thrown).code;
    if (!error.startsWith('operator.')) return;
    const at = new Date(this.#parts.clock.nowMs()).toISOString();
    await this.#parts.ledger.append({ kind: 'operator-refused', at, error, screen });
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
        const leftMs = Math.min(operator.untilMs, operator.idleUntilMs) - this.#parts.clock.nowMs();
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
