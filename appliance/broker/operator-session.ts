/** Who is signed in, by proof: a challenge of the broker, signed by a card whose key the SP put on the roster. */
import { type KeyObject, verify } from 'node:crypto';
import { SekishoError } from '#contract/errors.ts';
import type { Clock } from '#ports/clock.ts';
import type { Random } from '#ports/random.ts';
import type { OperatorKey, OperatorRoster } from './operator-roster.ts';

export interface SessionLimits {
  readonly operatorIdleMs: number;
  readonly operatorAbsoluteMs: number;
}

interface Session {
  readonly operator: OperatorKey;
  readonly untilMs: number;
  idleUntilMs: number;
}

/** Domain separation: what an operator signs to sign in can never be an unlock or a tap. */
const SIGN_IN_LABEL = Buffer.from('SEKISHO-SIGN-IN-1', 'ascii');
const CHALLENGE_BYTES = 32;
/** From the question to the card's signature: the PIN lies in between. */
const CHALLENGE_MS = 120_000;

/** What the operator's card signs. */
export function signInMessage(challenge: Uint8Array): Uint8Array {
  return Buffer.concat([SIGN_IN_LABEL, challenge]);
}

/** All times on the monotonic clock: setting the wall clock neither ends a session nor prolongs it. */
export class OperatorSession {
  readonly #limits: SessionLimits;
  readonly #clock: Clock;
  readonly #random: Random;
  #challenge: { readonly bytes: Uint8Array; readonly untilMs: number } | undefined;
  #session: Session | undefined;

  constructor(limits: SessionLimits, clock: Clock, random: Random) {
    this.#limits = limits;
    this.#clock = clock;
    this.#random = random;
  }

  /** The newest one is valid, for one try. */
  challenge(): Uint8Array {
    const bytes = this.#random.bytes(CHALLENGE_BYTES);
    this.#forgetChallenge();
    this.#challenge = { bytes, untilMs: this.#clock.monotonicMs() + CHALLENGE_MS };
    return bytes.slice();
  }

  /** Rejects `operator.unknown`, `operator.suspended`, `operator.signature-wrong`. Replaces whoever was signed in. */
  signIn(roster: OperatorRoster | undefined, keyId: string, signature: Uint8Array): void {
    const challenge = this.#challenge;
    const nowMs = this.#clock.monotonicMs();
    const isFresh = challenge !== undefined && nowMs < challenge.untilMs;
    const message = isFresh ? signInMessage(challenge.bytes) : undefined;
    this.#forgetChallenge();
    const operator = requireActive(roster, keyId);
    if (message === undefined || !isSignedBy(operator.key, message, signature))
      throw new SekishoError('operator.signature-wrong');
    const { operatorAbsoluteMs, operatorIdleMs } = this.#limits;
    this.#session = {
      operator,
      untilMs: nowMs + operatorAbsoluteMs,
      idleUntilMs: nowMs + operatorIdleMs,
    };
  }

  /** Throws `operator.not-signed-in` or `operator.session-ended`. */
  require(): OperatorKey {
    if (this.#session === undefined) throw new SekishoError('operator.not-signed-in');
    const { operator, untilMs, idleUntilMs } = this.#session;
    if (this.#clock.monotonicMs() < Math.min(untilMs, idleUntilMs)) return operator;
    this.#session = undefined;
    throw new SekishoError('operator.session-ended');
  }

  /** Somebody works: only the absolute limit holds against a caller that lies about it. */
  touch(): void {
    this.require();
    if (this.#session !== undefined)
      this.#session.idleUntilMs = this.#clock.monotonicMs() + this.#limits.operatorIdleMs;
  }

  /** A new roster counts at once. */
  rosterChanged(roster: OperatorRoster): void {
    const held = this.#session?.operator.keyId;
    if (held !== undefined && roster.operators.get(held)?.isSuspended !== false) this.#session = undefined;
  }

  end(): void {
    this.#session = undefined;
    this.#forgetChallenge();
  }

  #forgetChallenge(): void {
    this.#challenge?.bytes.fill(0);
    this.#challenge = undefined;
  }
}

/** Throws `operator.unknown`, `operator.suspended`. */
export function requireActive(roster: OperatorRoster | undefined, keyId: string): OperatorKey {
  const operator = roster?.operators.get(keyId);
  if (operator === undefined) throw new SekishoError('operator.unknown');
  if (operator.isSuspended) throw new SekishoError('operator.suspended');
  return operator;
}

/** RSA PKCS#1 v1.5 with SHA-256, or raw ECDSA with SHA-384, by the kind of key. */
export function isSignedBy(key: KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  if (key.asymmetricKeyType === 'rsa') return verify('sha256', message, key, signature);
  if (key.asymmetricKeyType !== 'ec') return false;
  return verify('sha384', message, { key, dsaEncoding: 'ieee-p1363' }, signature);
}
