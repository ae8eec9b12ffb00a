/**
 * Operator sign-in: roster first, then the PIN, so that a card that may not sign in never loses a PIN try;
 * then a fresh challenge signed by the card, path and revocation.
 */
import type { CardChannel } from '#card/channel.ts';
import { openExchange } from '#card/exchange.ts';
import type { RosterOperator } from '#contract/centre/service-provider.ts';
import { isSekishoError, SekishoError, toSekishoError } from '#contract/errors.ts';
import type { Operator } from '#contract/operator.ts';
import type { CertificateFacts } from '#trust/ports.ts';
import { checkRevocation, requirePath } from './certificate-check.ts';
import type { SignInRequest } from './face.ts';
import { type OperatorCard, openOperatorCard } from './operator-card.ts';
import type { PanelDesk } from './panel-desk.ts';
import type { GatewayParts } from './parts.ts';
import type { ReaderSeat } from './reader-seat.ts';
import type { SignInLockout } from './sign-in-lockout.ts';

export interface SignedIn {
  readonly operator: Operator;
  readonly certificate: CertificateFacts;
  /** Over the broker's sign-in message: proves to it what it proved here. */
  readonly signature: Uint8Array;
}

export class OperatorLogin {
  readonly #parts: GatewayParts;
  readonly #seat: ReaderSeat;
  readonly #panel: PanelDesk;
  readonly #lockout: SignInLockout;

  constructor(parts: GatewayParts, seat: ReaderSeat, panel: PanelDesk, lockout: SignInLockout) {
    this.#parts = parts;
    this.#seat = seat;
    this.#panel = panel;
    this.#lockout = lockout;
  }

  /**
   * Waits for the card, verifies everything, runs `whileSignedIn` with the card still in the field (it may sign
   * an offline unlock there), and takes the field off. Rejects `operator.*`, `card.*`, `reader.*`.
   */
  async run(
    request: SignInRequest,
    signal: AbortSignal,
    whileSignedIn: (signedIn: SignedIn, card: OperatorCard) => Promise<void>,
  ): Promise<SignedIn> {
    try {
      if (request.pin === undefined) this.#panel.requireKeys();
      const channel = await this.#seat.waitForOperatorCard(request.client, signal);
      try {
        const exchange = openExchange(channel, { timeoutMs: this.#parts.limits.cardAnswerMs });
        const card = await openOperatorCard(exchange, request.cardKind);
        const signedIn = await this.#verify(card, channel, request, signal);
        await whileSignedIn(signedIn, card);
        signal.throwIfAborted();
        return signedIn;
      } finally {
        await channel.close();
      }
    } catch (thrown) {
      // What ended the wait is the reason, whatever the card said on its way out.
      throw toSekishoError(signal.aborted ? signal.reason : thrown);
    }
  }

  async #verify(
    card: OperatorCard,
    channel: CardChannel,
    request: SignInRequest,
    signal: AbortSignal,
  ): Promise<SignedIn> {
    const certificate = this.#parts.trust.parse(await card.readCertificate());
    const { onlyOperatorId } = request;
    if (onlyOperatorId !== undefined && operatorIdOf(certificate) !== onlyOperatorId)
      throw new SekishoError('operator.wrong-card');
    const entry = this.#findOnRoster(certificate, request.cardKind);
    const purpose = request.cardKind === 'hpki' ? 'hpki-authentication' : 'jpki-authentication';
    const nowMs = this.#parts.clock.nowMs();
    const issuer = await requirePath(this.#parts.trust, certificate, purpose, nowMs, 'operator');
    // Revocation is asked while the card checks the PIN and signs.
    const revocation = checkRevocation(this.#parts.centre.revocation, certificate, issuer, signal);
    this.#lockout.requireOpen(certificate.keyId);
    // Where it lay when the last PIN was wrong, nobody knows any more.
    if (this.#lockout.takeUnseen(certificate.keyId)) {
      this.#seat.spend(channel);
      throw new SekishoError('card.remove-first');
    }
    signal.throwIfAborted();
    const signature = await this.#lockout.attempt(certificate.keyId, async () => {
      try {
        await this.#verifyPin(card, channel, request, signal);
      } catch (thrown) {
        if (isSekishoError(thrown, 'operator.pin-wrong', 'operator.pin-blocked')) this.#seat.spend(channel);
        throw thrown;
      }
      return this.#proveKey(card, certificate);
    });
    const status = await revocation;
    if (status.status === 'revoked') throw new SekishoError('operator.certificate-revoked');
    return { operator: toOperator(entry), certificate, signature };
  }

  #findOnRoster(certificate: CertificateFacts, cardKind: SignInRequest['cardKind']): RosterOperator {
    const operators = this.#parts.roster.roster()?.operators ?? [];
    const entry = operators.find((each) => each.keyId === certificate.keyId && each.cardKind === cardKind);
    if (entry === undefined) throw new SekishoError('operator.unknown');
    if (entry.suspended) throw new SekishoError('operator.suspended');
    return entry;
  }

  /** Never burns the last try unasked: this client must have been told, about this card as it lies there now. */
  async #verifyPin(
    card: OperatorCard,
    channel: CardChannel,
    request: SignInRequest,
    signal: AbortSignal,
  ): Promise<void> {
    const triesLeft = await card.pinTriesLeft();
    if (triesLeft === 0) throw new SekishoError('operator.pin-blocked');
    const isAccepted = request.acceptLastTry && this.#seat.knowsLastTry(request.client);
    if (triesLeft === 1 && !isAccepted) {
      this.#seat.tellLastTry(channel, request.client);
      throw new SekishoError('operator.pin-last-try', { context: { triesLeft } });
    }
    const pin = request.pin ?? (await this.#enterPin(channel, signal));
    try {
      await card.verifyPin(pin);
    } finally {
      pin.fill(0);
    }
  }

  /** From the keys to the command; a card that is taken away meanwhile ends it. */
  async #enterPin(channel: CardChannel, signal: AbortSignal): Promise<Uint8Array> {
    const over = new AbortController();
    const onAbort = (): void => over.abort(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    const gone = (): void => over.abort(new SekishoError('card.removed'));
    const watch = this.#parts.reader.waitForRemoval(channel, over.signal).then(gone, gone);
    try {
      return await this.#panel.enterPin(over.signal);
    } finally {
      signal.removeEventListener('abort', onAbort);
      over.abort(new SekishoError('card.removed'));
      // The line to the card is for the command alone.
      await watch;
    }
  }

  async #proveKey(card: OperatorCard, certificate: CertificateFacts): Promise<Uint8Array> {
    const message = await this.#parts.samAccess.operator.message();
    const signature = await card.sign(message);
    if (!this.#parts.trust.verifyMessage(certificate, message, signature)) {
      throw new SekishoError('operator.signature-wrong');
    }
    return signature;
  }
}

export function operatorIdOf({ keyId }: Pick<RosterOperator, 'keyId'>): string {
  return keyId.slice(0, 16);
}

function toOperator(entry: RosterOperator): Operator {
  return {
    operatorId: operatorIdOf(entry),
    displayName: entry.displayName,
    roles: entry.roles,
    cardKind: entry.cardKind,
  };
}
