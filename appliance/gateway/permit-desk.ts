/** Leave for a home visit: drawn up here, signed by an administrator's card, judged by the broker, and on record before it counts. */
import { SekishoError } from '#contract/errors.ts';
import type { CarryOutStatus } from '#contract/permit.ts';
import type { Caller, PermitAdministration, PermitWish, SignInRequest } from './face.ts';
import { operatorIdOf } from './operator-login.ts';
import type { OperatorSessions } from './operator-sessions.ts';
import type { GatewayParts } from './parts.ts';
import type { PermitKeeper } from './permit-keeper.ts';
import { appendStamped } from './stamped-entry.ts';

interface Signed {
  readonly permitId: string;
  readonly message: Uint8Array;
  readonly keyId: string;
  readonly signature: Uint8Array;
}

export class PermitDesk implements PermitAdministration {
  readonly #parts: GatewayParts;
  readonly #sessions: OperatorSessions;
  readonly #keeper: PermitKeeper;
  readonly #stop: AbortSignal;

  constructor(parts: GatewayParts, sessions: OperatorSessions, keeper: PermitKeeper, stop: AbortSignal) {
    this.#parts = parts;
    this.#sessions = sessions;
    this.#keeper = keeper;
    this.#stop = stop;
  }

  async grant(
    caller: Caller,
    wish: PermitWish,
    confirmation: SignInRequest,
    gone: AbortSignal = this.#stop,
  ): Promise<CarryOutStatus> {
    try {
      this.#sessions.requireAdministrator(caller);
      const operators = wish.operators.map((operatorId) => this.#keyIdOf(operatorId));
      const signal = AbortSignal.any([gone, this.#stop]);
      const signed = await this.#sign(caller, { ...wish, operators }, confirmation, signal);
      // The session may have ended while the card was looked for.
      this.#sessions.requireAdministrator(caller);
      await this.#parts.samAccess.permit.grant(signed.message, signed.keyId, signed.signature);
      await this.#record(caller, signed);
      await this.#keeper.look();
      const { status } = this.#keeper;
      if (status === undefined) throw new SekishoError('permit.none');
      return status;
    } finally {
      confirmation.pin?.fill(0);
    }
  }

  async end(caller: Caller): Promise<void> {
    this.#sessions.require(caller);
    if (this.#keeper.status === undefined) throw new SekishoError('permit.none');
    await this.#parts.samAccess.permit.end('ended-by-hand');
    await this.#keeper.look();
  }

  async #sign(
    caller: Caller,
    { until, maxUses, operators }: PermitWish,
    confirmation: SignInRequest,
    signal: AbortSignal,
  ): Promise<Signed> {
    const { samAccess, networkId, clock } = this.#parts;
    let signed: Signed | undefined;
    await this.#sessions.confirm(caller, confirmation, signal, async ({ certificate }, card) => {
      const issuedAtS = Math.floor(clock.nowMs() / 1_000);
      const untilS = Math.floor(Date.parse(until) / 1_000);
      const draft = await samAccess.permit.message({ networkId, issuedAtS, untilS, maxUses, operators });
      signed = { ...draft, keyId: certificate.keyId, signature: await card.sign(draft.message) };
    });
    if (signed === undefined) throw new SekishoError('operator.signature-wrong');
    return signed;
  }

  /** Leave of which the evidence says nothing is none. */
  async #record(caller: Caller, { permitId, message, keyId, signature }: Signed): Promise<void> {
    try {
      await appendStamped(this.#parts, {
        kind: 'permit-granted',
        at: new Date(this.#parts.clock.nowMs()).toISOString(),
        permitId,
        message: toBase64(message),
        keyId,
        signature: toBase64(signature),
        operatorId: caller.operatorId,
        screen: caller.screen,
      });
    } catch (thrown) {
      await this.#parts.samAccess.permit.end('ended-by-hand');
      throw thrown;
    }
  }

  #keyIdOf(operatorId: string): string {
    const known = this.#parts.roster.roster()?.operators ?? [];
    const entry = known.find((each) => operatorIdOf(each) === operatorId);
    if (entry === undefined) throw new SekishoError('operator.unknown');
    if (entry.suspended) throw new SekishoError('operator.suspended');
    return entry.keyId;
  }
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
