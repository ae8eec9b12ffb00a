/**
 * The carry-out permit, as the broker believes it: an administrator's card signed it while the box was at home, and it
 * counts down whatever is done to clocks and processes. In doubt it has ended. @see docs/permit.md
 */
import { toHex } from '#card/bytes.ts';
import { isSekishoError, SekishoError } from '#contract/errors.ts';
import type { Clock } from '#ports/clock.ts';
import type { Random } from '#ports/random.ts';
import type { OperatorRoster } from './operator-roster.ts';
import { isSignedBy, requireActive } from './operator-session.ts';
import { type PermitTerms, parsePermit, type SignedPermit } from './permit-message.ts';
import { type EndedPermit, type PermitEnd, readPermitRecord, writePermitRecord } from './permit-record.ts';

export interface PermitLimits {
  readonly permitMaxMs: number;
  readonly permitMaxUses: number;
}

export interface PermitMemory {
  /** As `savePermit` left it; undefined without one. */
  readonly permit: Uint8Array | undefined;
  /** Durable when it returns; throws `store.*`. */
  savePermit(permit: Uint8Array | undefined): void;
}

export interface HeldPermit {
  readonly terms: PermitTerms;
  readonly grantedBy: string;
  readonly usesLeft: number;
  /** Something was done under it away from home. */
  readonly isUsed: boolean;
}

/** Whose permit, and by whose roster it is judged. */
export interface PermitPlace {
  readonly samId: string;
  readonly networkId: string;
  readonly roster: OperatorRoster | undefined;
}

interface Held {
  readonly signed: SignedPermit;
  readonly terms: PermitTerms;
  usesSpent: number;
  isUsed: boolean;
  /** The permit's own time: never back, at least as fast as the monotonic clock, across restarts. */
  markMs: number;
  markedAtMs: number;
  /** After the last use the visit may be finished. */
  closesAtMs: number | undefined;
}

const NONCE_BYTES = 32;
/** From the nonce to the grant: card and PIN lie in between. */
const NONCE_MS = 5 * 60_000;
/** How often progress is written down, and what a restart costs: switching off and on gains nothing. */
export const MARK_EVERY_MS = 60_000;
/** A box without a clock of its own wakes up a little in the past; further back somebody has set it. */
export const CLOCK_SLACK_MS = 3_600_000;
/** To finish the visit of the last use. */
export const LAST_VISIT_MS = 5 * 60_000;

export class CarryOutPermit {
  readonly #limits: PermitLimits;
  readonly #memory: PermitMemory;
  readonly #clock: Clock;
  readonly #random: Random;
  #nonce: { readonly hex: string; readonly untilMs: number } | undefined;
  #held: Held | undefined;
  /** Of which the gateway has not said that it is on record. */
  #ended: EndedPermit | undefined;
  #tellChanged: ((what: 'progress' | 'ended') => void) | undefined;

  constructor(limits: PermitLimits, memory: PermitMemory, clock: Clock, random: Random) {
    this.#limits = limits;
    this.#memory = memory;
    this.#clock = clock;
    this.#random = random;
  }

  /** `tell` is called when a use was counted or something was done away from home, and when a permit has ended, whyever. */
  onChanged(tell: (what: 'progress' | 'ended') => void): void {
    this.#tellChanged = tell;
  }

  /** The newest one is good for one try. */
  nonce(): string {
    const hex = toHex(this.#random.bytes(NONCE_BYTES));
    this.#nonce = { hex, untilMs: this.#clock.monotonicMs() + NONCE_MS };
    return hex;
  }

  /**
   * To be called only with a lease that is valid. Replaces an older permit. Throws `permit.rejected`,
   * `operator.unknown`, `operator.suspended`, `operator.role-insufficient`, `operator.signature-wrong`, `store.*`.
   */
  grant(signed: SignedPermit, place: PermitPlace): void {
    const asked = this.#nonce;
    this.#nonce = undefined;
    const terms = parsePermit(signed.message);
    const nowMs = this.#clock.nowMs();
    const isAsked =
      asked !== undefined && asked.hex === terms.nonce && this.#clock.monotonicMs() < asked.untilMs;
    if (!isAsked) throw rejected('nonce');
    requireGenuine(signed, terms, place);
    this.#requireWithinLimits(terms, nowMs);
    for (const keyId of terms.operators) requireActive(place.roster, keyId);
    if (this.#held !== undefined) this.end('ended-by-hand');
    this.#held = {
      signed: { ...signed, message: signed.message.slice(), signature: signed.signature.slice() },
      terms,
      usesSpent: 0,
      isUsed: false,
      markMs: Math.max(nowMs, terms.issuedAtS * 1_000),
      markedAtMs: this.#clock.monotonicMs(),
      closesAtMs: undefined,
    };
    try {
      this.#save();
    } catch (thrown) {
      this.#held = undefined;
      throw thrown;
    }
  }

  /** To be called with the SAM in the slot and its roster. What is not good enough any more has ended. */
  recall(place: PermitPlace): void {
    if (this.#held !== undefined) {
      this.rosterChanged(place);
      return;
    }
    const record = readPermitRecord(this.#memory.permit);
    if (record === undefined) return;
    this.#ended = record.ended;
    if (record.ended !== undefined) return;
    try {
      const terms = parsePermit(record.signed.message);
      this.#held = {
        ...record,
        terms,
        markMs: record.markMs + MARK_EVERY_MS,
        markedAtMs: this.#clock.monotonicMs(),
      };
    } catch (thrown) {
      // Nobody knows what it was.
      if (!isSekishoError(thrown, 'permit.rejected')) throw thrown;
      this.#memory.savePermit(undefined);
      return;
    }
    this.rosterChanged(place);
    if (this.isInForce) this.#save();
  }

  /** Whoever granted it must still be allowed to. */
  rosterChanged(place: PermitPlace): void {
    if (this.#held === undefined) return;
    try {
      requireGenuine(this.#held.signed, this.#held.terms, place);
    } catch {
      this.end('revoked');
    }
  }

  /** Ends it in passing when its time has come. */
  get isInForce(): boolean {
    if (this.#held === undefined) return false;
    const over = this.#over(this.#held);
    if (over !== undefined) this.end(over);
    return over === undefined;
  }

  get held(): HeldPermit | undefined {
    if (!this.isInForce || this.#held === undefined) return undefined;
    const { terms, signed, usesSpent, isUsed } = this.#held;
    return { terms, grantedBy: signed.keyId, usesLeft: terms.maxUses - usesSpent, isUsed };
  }

  get ended(): EndedPermit | undefined {
    return this.#ended;
  }

  /** How long it is in force at least, unless something happens; undefined without one. */
  get restMs(): number | undefined {
    if (!this.isInForce || this.#held === undefined) return undefined;
    const { terms, closesAtMs } = this.#held;
    const untilMs = Math.min(terms.untilS * 1_000, closesAtMs ?? Number.POSITIVE_INFINITY);
    return untilMs - this.#nowMs(this.#held);
  }

  /** Throws `network.absent` without a permit, `permit.not-listed` for a card that is not named in it. */
  requireListed(keyId: string): void {
    if (!this.isInForce || this.#held === undefined) throw new SekishoError('network.absent');
    if (!this.#held.terms.operators.includes(keyId)) throw new SekishoError('permit.not-listed');
  }

  /** Something was done away from home: coming back ends it. Durable when it returns. */
  noteAway(): void {
    if (this.#held === undefined || this.#held.isUsed) return;
    this.#held.isUsed = true;
    this.#save();
    this.#tellChanged?.('progress');
  }

  /** Throws what `requireListed` throws, and `permit.uses-exhausted`. */
  requireUse(keyId: string): void {
    this.requireListed(keyId);
    if (this.#held !== undefined && this.#held.usesSpent >= this.#held.terms.maxUses)
      throw new SekishoError('permit.uses-exhausted');
  }

  /** Counts one use; on the disk when it returns. */
  spend(): void {
    const held = this.#held;
    if (held === undefined) throw new SekishoError('network.absent');
    held.usesSpent += 1;
    held.isUsed = true;
    if (held.usesSpent >= held.terms.maxUses) held.closesAtMs = this.#nowMs(held) + LAST_VISIT_MS;
    this.#save();
    this.#tellChanged?.('progress');
  }

  /** Writes its progress down now and then; to be called at least every `MARK_EVERY_MS`. */
  mark(): void {
    if (this.isInForce) this.#save();
  }

  /** Over, at once and for good. */
  end(reason: PermitEnd): void {
    const held = this.#held;
    if (held === undefined) return;
    this.#held = undefined;
    this.#ended = { permitId: held.terms.nonce, reason, usesSpent: held.usesSpent };
    try {
      this.#memory.savePermit(writePermitRecord({ ...held, ended: this.#ended }));
    } catch {
      // Also on a disk that is full nothing may bring it back: forgetting it altogether needs no room.
      this.#memory.savePermit(undefined);
    } finally {
      this.#tellChanged?.('ended');
    }
  }

  /** The gateway has written the end down. */
  endNoted(permitId: string): void {
    if (this.#ended?.permitId !== permitId) return;
    this.#ended = undefined;
    if (this.#held === undefined) this.#memory.savePermit(undefined);
  }

  #over(held: Held): PermitEnd | undefined {
    const nowMs = this.#nowMs(held);
    if (nowMs >= held.terms.untilS * 1_000) return 'expired';
    if (held.closesAtMs !== undefined && nowMs >= held.closesAtMs) return 'used-up';
    return nowMs - this.#clock.nowMs() > CLOCK_SLACK_MS ? 'clock-jumped' : undefined;
  }

  #nowMs({ markMs, markedAtMs }: Held): number {
    return Math.max(this.#clock.nowMs(), markMs + this.#clock.monotonicMs() - markedAtMs);
  }

  /** Its time never goes back, also not to before a wall clock that was ahead for a while. */
  #save(): void {
    const held = this.#held;
    if (held === undefined) return;
    held.markMs = this.#nowMs(held);
    held.markedAtMs = this.#clock.monotonicMs();
    this.#memory.savePermit(writePermitRecord({ ...held, ended: undefined }));
  }

  #requireWithinLimits({ issuedAtS, untilS, maxUses }: PermitTerms, nowMs: number): void {
    const { permitMaxMs, permitMaxUses } = this.#limits;
    if (Math.abs(issuedAtS * 1_000 - nowMs) > NONCE_MS) throw rejected('issued');
    if (untilS * 1_000 <= nowMs || (untilS - issuedAtS) * 1_000 > permitMaxMs) throw rejected('until');
    if (maxUses < 1 || maxUses > permitMaxUses) throw rejected('uses');
  }
}

function requireGenuine(
  { message, keyId, signature }: SignedPermit,
  terms: PermitTerms,
  place: PermitPlace,
): void {
  if (terms.samId !== place.samId) throw rejected('samId');
  if (terms.networkId !== place.networkId) throw rejected('networkId');
  const { key, isAdministrator } = requireActive(place.roster, keyId);
  if (!isAdministrator) throw new SekishoError('operator.role-insufficient');
  if (!isSignedBy(key, message, signature)) throw new SekishoError('operator.signature-wrong');
}

function rejected(what: string): SekishoError {
  return new SekishoError('permit.rejected', { context: { what } });
}
