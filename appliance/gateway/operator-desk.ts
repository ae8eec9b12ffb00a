/**
 * The roster at the counter: an administrator looks at it, has the card of somebody new read, and changes it with the
 * own card. The SP decides; here the change is drawn up, signed by the card, and loaded when the SP has made it.
 */
import { openExchange } from '#card/exchange.ts';
import type { CardKind, RosterChangeOrder } from '#contract/centre/roster-change.ts';
import type { RosterAnswer, RosterOperator } from '#contract/centre/service-provider.ts';
import { isSekishoError, SekishoError, toSekishoError } from '#contract/errors.ts';
import type { Roster, RosterChange, RosterRow, StaffCard } from '#contract/http/operator-routes.ts';
import type { CertificateFacts } from '#trust/ports.ts';
import { checkRevocation, requirePath } from './certificate-check.ts';
import type { Caller, OperatorAdministration, RosterWish, SignInRequest } from './face.ts';
import { openOperatorCard } from './operator-card.ts';
import { operatorIdOf } from './operator-login.ts';
import type { OperatorSessions } from './operator-sessions.ts';
import type { GatewayParts } from './parts.ts';
import type { ReaderSeat } from './reader-seat.ts';
import { encodeRosterMessage, type RosterMessage } from './roster-message.ts';
import type { SamUnlock } from './sam-unlock.ts';
import { appendStamped } from './stamped-entry.ts';

/** A card that was read, for whoever had it read. */
interface Candidate {
  readonly by: string;
  readonly cardKind: CardKind;
  readonly certificate: CertificateFacts;
  readonly untilMs: number;
}

/** Long enough to type a name, too short for a card that somebody read yesterday. */
const CANDIDATE_MS = 600_000;

type Draft = Pick<RosterMessage, 'keyId' | 'added' | 'roles'> & {
  readonly order: Pick<RosterChangeOrder, 'added'>;
};

export class OperatorDesk implements OperatorAdministration {
  readonly #parts: GatewayParts;
  readonly #seat: ReaderSeat;
  readonly #sessions: OperatorSessions;
  readonly #unlock: SamUnlock;
  readonly #stop: AbortSignal;
  #candidate: Candidate | undefined;

  /** `stop` ends everything; what goes on after its client has left, too. */
  constructor(
    parts: GatewayParts,
    seat: ReaderSeat,
    sessions: OperatorSessions,
    unlock: SamUnlock,
    stop: AbortSignal,
  ) {
    this.#parts = parts;
    this.#seat = seat;
    this.#sessions = sessions;
    this.#unlock = unlock;
    this.#stop = stop;
  }

  async list(caller: Caller): Promise<Roster> {
    this.#sessions.requireAdministrator(caller);
    const { version, operators } = this.#parts.roster.roster() ?? { version: 0, operators: [] };
    return { version, operators: operators.map(toRow) };
  }

  async readCard(
    caller: Caller,
    { cardKind, client }: Pick<SignInRequest, 'cardKind' | 'client'>,
    gone: AbortSignal = this.#stop,
  ): Promise<StaffCard> {
    const signal = AbortSignal.any([gone, this.#stop]);
    this.#sessions.requireAdministrator(caller);
    this.#sessions.requirePossible();
    this.#candidate = undefined;
    const certificate = await this.#readCertificate(cardKind, client, signal);
    await this.#requireGood(certificate, cardKind, signal);
    // Meanwhile the session may have ended.
    this.#sessions.requireAdministrator(caller);
    const untilMs = this.#parts.clock.monotonicMs() + CANDIDATE_MS;
    this.#candidate = { by: caller.operatorId, cardKind, certificate, untilMs };
    const listed = this.#find(operatorIdOf(certificate));
    return {
      operatorId: operatorIdOf(certificate),
      cardKind,
      healthcareRoles: [...certificate.healthcareRoles],
      notAfter: new Date(certificate.notAfterMs).toISOString(),
      ...(listed === undefined ? {} : { listed: toRow(listed) }),
    };
  }

  async change(
    caller: Caller,
    wish: RosterWish,
    confirmation: SignInRequest,
    gone: AbortSignal = this.#stop,
  ): Promise<Roster> {
    try {
      return await this.#change(caller, wish, confirmation, AbortSignal.any([gone, this.#stop]));
    } finally {
      confirmation.pin?.fill(0);
    }
  }

  async #change(
    caller: Caller,
    { baseVersion, change }: RosterWish,
    confirmation: SignInRequest,
    signal: AbortSignal,
  ): Promise<Roster> {
    this.#sessions.requireAdministrator(caller);
    const { serviceProvider } = this.#parts.centre;
    const { order, ...draft } = this.#draw(caller, change);
    const { nonce, version } = await serviceProvider.rosterNonce(signal);
    if (version !== baseVersion) throw await this.#outdated();
    const { samId, institutionCode } = this.#parts.samAccess;
    const base = { samId, institutionCode, baseVersion, nonce, action: change.action };
    const message = encodeRosterMessage({ ...base, ...draft });
    const signed = await this.#sign(caller, message, confirmation, signal);
    // Signed is signed: from here on it does not end with the page that asked.
    const roster = await serviceProvider
      .changeRoster({ message: toBase64(message), ...signed, ...order }, this.#stop)
      .catch(async (thrown: unknown) => {
        throw isSekishoError(thrown, 'roster.outdated') ? await this.#outdated() : thrown;
      });
    if (change.action === 'add') this.#candidate = undefined;
    await this.#load(roster);
    await this.#record(caller, change, roster);
    return { version: roster.version, operators: roster.operators.map(toRow) };
  }

  async #readCertificate(cardKind: CardKind, client: string, signal: AbortSignal): Promise<CertificateFacts> {
    try {
      const channel = await this.#seat.waitForOperatorCard(client, signal);
      try {
        const exchange = openExchange(channel, { timeoutMs: this.#parts.limits.cardAnswerMs });
        const card = await openOperatorCard(exchange, cardKind);
        return this.#parts.trust.parse(await card.readCertificate());
      } finally {
        await channel.close();
      }
    } catch (thrown) {
      throw toSekishoError(signal.aborted ? signal.reason : thrown);
    }
  }

  async #requireGood(certificate: CertificateFacts, cardKind: CardKind, signal: AbortSignal): Promise<void> {
    const { trust, clock, centre } = this.#parts;
    const purpose = cardKind === 'hpki' ? 'hpki-authentication' : 'jpki-authentication';
    const issuer = await requirePath(trust, certificate, purpose, clock.nowMs(), 'operator');
    const { status } = await checkRevocation(centre.revocation, certificate, issuer, signal);
    if (status === 'revoked') throw new SekishoError('operator.certificate-revoked');
  }

  #draw(caller: Caller, change: RosterChange): Draft {
    if (change.action !== 'add') {
      const entry = this.#find(change.operatorId);
      if (entry === undefined) throw new SekishoError('roster.operator-unknown');
      const roles = change.action === 'change-roles' ? { roles: change.roles } : {};
      return { keyId: entry.keyId, ...roles, order: {} };
    }
    const candidate = this.#candidate;
    const isReady =
      candidate?.by === caller.operatorId &&
      operatorIdOf(candidate.certificate) === change.operatorId &&
      this.#parts.clock.monotonicMs() < candidate.untilMs;
    if (candidate === undefined || !isReady) throw new SekishoError('roster.card-not-read');
    if (this.#find(change.operatorId) !== undefined) throw new SekishoError('roster.operator-known');
    const { displayName, roles } = change;
    const { cardKind, certificate } = candidate;
    return {
      keyId: certificate.keyId,
      added: { cardKind, displayName },
      roles,
      order: { added: { displayName, certificate: toBase64(certificate.der) } },
    };
  }

  async #sign(
    caller: Caller,
    message: Uint8Array,
    confirmation: SignInRequest,
    signal: AbortSignal,
  ): Promise<Pick<RosterChangeOrder, 'administrator' | 'signature'>> {
    let signed: Pick<RosterChangeOrder, 'administrator' | 'signature'> | undefined;
    await this.#sessions.confirm(caller, confirmation, signal, async ({ certificate }, card) => {
      signed = { administrator: certificate.keyId, signature: toBase64(await card.sign(message)) };
    });
    // The session may have ended while the card was looked for.
    this.#sessions.requireAdministrator(caller);
    if (signed === undefined) throw new SekishoError('operator.signature-wrong');
    return signed;
  }

  /** The new one is fetched, so that the page that asks again shows it. */
  async #outdated(): Promise<SekishoError> {
    await this.#unlock.refreshRoster();
    return new SekishoError('roster.outdated');
  }

  async #record(caller: Caller, change: RosterChange, { version }: RosterAnswer): Promise<void> {
    await appendStamped(this.#parts, {
      kind: 'roster-changed',
      at: new Date(this.#parts.clock.nowMs()).toISOString(),
      version,
      action: change.action,
      subjectId: change.operatorId,
      ...('roles' in change ? { roles: change.roles } : {}),
      operatorId: caller.operatorId,
      screen: caller.screen,
    });
  }

  /** The change is made; a SAM that is away gets the roster when it is back. */
  async #load(roster: RosterAnswer): Promise<void> {
    await this.#unlock.takeRoster(roster).catch((thrown: unknown) => {
      this.#parts.logger.warn('roster.not-loaded', { code: toSekishoError(thrown).code });
    });
  }

  #find(operatorId: string): RosterOperator | undefined {
    return this.#parts.roster.roster()?.operators.find((each) => operatorIdOf(each) === operatorId);
  }
}

function toRow(entry: RosterOperator): RosterRow {
  const { displayName, roles, suspended, cardKind } = entry;
  return { operatorId: operatorIdOf(entry), displayName, roles, suspended, cardKind };
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
