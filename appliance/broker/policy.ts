/**
 * The broker's rules: what must be true before the organisation key is used. Everything is decided here, from what
 * the broker itself has verified; nothing is believed because the gateway says so. No I/O but the memory.
 */
import type { KeyObject } from 'node:crypto';
import { toHex } from '#card/bytes.ts';
import { SekishoError } from '#contract/errors.ts';
import type { Clock } from '#ports/clock.ts';
import type { Random } from '#ports/random.ts';
import type { SignForCardAsk } from './commands.ts';
import { bindConsent } from './consent-binding.ts';
import { Lease, type LeaseTerms } from './lease.ts';
import { type OperatorRoster, readRoster } from './operator-roster.ts';
import { OperatorSession, type SessionLimits } from './operator-session.ts';
import { CarryOutPermit, type PermitLimits, type PermitPlace } from './permit.ts';
import type { SignedPermit } from './permit-message.ts';
import { type BrokerMemory, UseLedger, type UseLimits } from './use-ledger.ts';

export interface PolicyLimits extends SessionLimits, UseLimits, PermitLimits {
  /** From the patient's OK to the use of the key. */
  readonly consentMaxAgeMs: number;
}

export interface PolicyParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly memory: BrokerMemory;
  readonly limits: PolicyLimits;
  /** Pinned: whoever answers with it signs rosters. */
  readonly spKey: KeyObject;
  /** Undefined: the place is not proven. Only a development composition may say so. */
  readonly lease: LeaseTerms | undefined;
}

export class Policy {
  readonly lease: Lease | undefined;
  readonly session: OperatorSession;
  readonly permit: CarryOutPermit;
  readonly #parts: PolicyParts;
  readonly #uses: UseLedger;
  #roster: OperatorRoster | undefined;
  /** The last use has not been named yet. */
  #mayDeriveId = false;

  constructor(parts: PolicyParts) {
    const { clock, random, limits, memory, lease } = parts;
    this.#parts = parts;
    this.lease = lease === undefined ? undefined : new Lease(lease, clock, random);
    this.session = new OperatorSession(limits, clock, random);
    this.permit = new CarryOutPermit(limits, memory, clock, random);
    this.#uses = new UseLedger(memory, limits, clock);
  }

  /** Throws `network.absent`. */
  requirePlace(): void {
    if (!this.isPlaceAllowed) throw new SekishoError('network.absent');
  }

  get isPlaceAllowed(): boolean {
    return this.isHome || this.permit.isInForce;
  }

  /** On the registered network, by the word of its anchor. */
  get isHome(): boolean {
    return this.lease === undefined || this.lease.isValid;
  }

  /** The SP's grant names the registered network: away from it nobody opens with that. Throws `network.absent`. */
  requireHome(): void {
    if (!this.isHome) throw new SekishoError('network.absent');
  }

  /** Away from home only for the cards on the permit, whose end is near from now on. Throws `network.absent`, `permit.not-listed`. */
  requirePlaceFor(keyId: string): void {
    if (this.isHome) return;
    this.permit.requireListed(keyId);
    this.permit.noteAway();
  }

  /** Takes a permit that was granted at home. Throws `network.absent`, and what `CarryOutPermit.grant` throws. */
  grantPermit(signed: SignedPermit, samId: string): void {
    if (this.lease?.isValid !== true) throw new SekishoError('network.absent');
    this.permit.grant(signed, this.#permitPlace(samId, this.lease.networkId));
  }

  /**
   * Everything that one use of the organisation key needs, besides a SAM that is unlocked; written down before it
   * happens. Answers the digest for the SAM. Throws `network.*`, `permit.*`, `operator.*`, `tap.consent-missing`,
   * `sam.rate-limited`, `store.*`.
   */
  admitUse(ask: SignForCardAsk): Uint8Array {
    this.requirePlace();
    const operator = this.session.require();
    if (ask.operatorId !== operator.keyId.slice(0, ask.operatorId.length))
      throw new SekishoError('operator.session-ended');
    const isAway = !this.isHome;
    if (isAway) this.permit.requireUse(operator.keyId);
    const digest = bindConsent(ask, this.#parts.clock.nowMs(), this.#parts.limits.consentMaxAgeMs);
    this.#uses.record(ask.tapId);
    if (isAway) this.permit.spend();
    this.#mayDeriveId = true;
    this.session.touch();
    return digest;
  }

  /**
   * One card ID for each use of the organisation key: otherwise whoever has a list of serials learns their IDs without a
   * single card. Throws `operator.*`, `tap.consent-missing`.
   */
  admitDerivation(): void {
    this.session.require();
    if (!this.#mayDeriveId)
      throw new SekishoError('tap.consent-missing', { context: { reason: 'no use to derive for' } });
    this.#mayDeriveId = false;
  }

  /** Version of the roster that sign-ins are judged by; 0 without one. */
  get rosterVersion(): number {
    return this.#roster?.version ?? 0;
  }

  /**
   * Takes the roster of the SP for this SAM; versions only go up, here and in the SAM. The one that is known passes once more for a SAM that
   * was personalised anew and has lost it. Throws `sam.roster-rejected`.
   */
  takeRoster(update: Uint8Array, samId: string, samRosterVersion: number): void {
    const roster = readRoster(update, this.#parts.spKey, samId);
    if (roster.version === this.rosterVersion && samRosterVersion < roster.version) return;
    if (roster.version <= this.rosterVersion || roster.version < samRosterVersion)
      throw new SekishoError('sam.roster-rejected', { context: { what: 'version' } });
    this.#parts.memory.saveRoster(update);
    this.#useRoster(roster);
    this.#judgePermit(samId, (permit, place) => permit.rosterChanged(place));
  }

  /**
   * To be called with the SAM in the slot: the remembered roster counts for the SAM that it is for, and only when that
   * one has not seen a newer one. What is not good enough is forgotten until the gateway brings the roster again.
   */
  recallRoster(samId: string, samRosterVersion: number): void {
    const { memory, spKey } = this.#parts;
    this.#roster = undefined;
    if (memory.roster === undefined) return;
    try {
      const roster = readRoster(memory.roster, spKey, samId);
      if (roster.version >= samRosterVersion) this.#useRoster(roster);
    } catch {
      // Of another SAM or another SP: as good as none.
    }
    if (this.#roster === undefined) this.session.end();
    this.#judgePermit(samId, (permit, place) => permit.recall(place));
  }

  signIn(keyId: string, signature: Uint8Array): void {
    this.requirePlaceFor(keyId);
    this.session.signIn(this.#roster, keyId, signature);
  }

  /** Ends what was proven: place and operator. */
  end(): void {
    this.lease?.end();
    this.session.end();
    this.#mayDeriveId = false;
  }

  #judgePermit(samId: string, judge: (permit: CarryOutPermit, place: PermitPlace) => void): void {
    if (this.lease !== undefined) judge(this.permit, this.#permitPlace(samId, this.lease.networkId));
  }

  #permitPlace(samId: string, networkId: Uint8Array): PermitPlace {
    return { samId, networkId: toHex(networkId), roster: this.#roster };
  }

  close(): void {
    this.end();
    this.#parts.memory.close();
  }

  #useRoster(roster: OperatorRoster): void {
    this.#roster = roster;
    this.session.rosterChanged(roster);
  }
}
