/**
 * The network lease, as the broker believes it: a signed answer of the anchor to a nonce that the broker itself made.
 * Pure: bytes in, a verdict out. @see docs/lease-protocol.md
 */
import { createHash, type KeyObject, verify } from 'node:crypto';
import { equalBytes, toHex } from '#card/bytes.ts';
import type { Clock } from '#ports/clock.ts';
import type { LeaseAnswer } from '#ports/lease-verifier.ts';
import type { Random } from '#ports/random.ts';

export interface LeaseTerms {
  /** Ed25519, pinned when the network was registered. */
  readonly anchorKey: KeyObject;
  /** From the making of a nonce to the end of the lease that its answer grants. */
  readonly graceMs: number;
  /** A longer way than this is no way inside a house. */
  readonly maxRoundTripMs: number;
}

interface Asked {
  readonly nonce: Uint8Array;
  readonly deviceId: Uint8Array;
  readonly madeAtMs: number;
  /** Of the clocks at that time: an answer that comes after a jump is as old as nobody knows. */
  readonly driftMs: number;
}

const QUESTION_LABEL = Buffer.from('SEKISHO-LEASE-Q1', 'ascii');
const ANSWER_LABEL = Buffer.from('SEKISHO-LEASE-A1', 'ascii');
const QUESTION_BYTES = 192;
const ANSWER_BYTES = 176;
const SIGNED_BYTES = 112;
const NONCE_BYTES = 32;
const NETWORK_ID_BYTES = 16;
/** One question a second and a grace of seconds: more are never open at once. */
const MAX_OPEN_QUESTIONS = 8;
/** Wall and monotonic clock part by more than this when the machine slept or somebody set the time. */
const MAX_CLOCK_DRIFT_MS = 2_000;
const VERDICTS = ['granted', 'not-registered', 'revoked'] as const;
/** A second anchor under the same key, and one that was started anew. */
const MAX_ANCHOR_BOOTS = 8;
const IGNORED: LeaseAnswer = { verdict: 'ignored', ageMs: 0 };

/** The name of a network is the key of its anchor, so that whoever signs the name pins the key. */
export function networkIdOf(anchorKey: KeyObject): Uint8Array {
  const spki = anchorKey.export({ type: 'spki', format: 'der' });
  return new Uint8Array(createHash('sha256').update(spki).digest().subarray(0, NETWORK_ID_BYTES));
}

export class Lease {
  readonly networkId: Uint8Array;
  readonly #terms: LeaseTerms;
  readonly #clock: Clock;
  readonly #random: Random;
  #asked: Asked[] = [];
  #validUntilMs = Number.NEGATIVE_INFINITY;
  /** The last sequence of each start of an anchor. */
  readonly #sequences = new Map<string, bigint>();
  #driftMs: number;

  constructor(terms: LeaseTerms, clock: Clock, random: Random) {
    this.#terms = terms;
    this.#clock = clock;
    this.#random = random;
    this.networkId = networkIdOf(terms.anchorKey);
    this.#driftMs = this.#drift();
  }

  /** A fresh question of 192 bytes for this device (8 bytes), to be carried to the anchor by whoever has a network. */
  question(deviceId: Uint8Array): Uint8Array {
    const nonce = this.#random.bytes(NONCE_BYTES);
    this.#asked.push({ nonce, deviceId, madeAtMs: this.#clock.monotonicMs(), driftMs: this.#drift() });
    if (this.#asked.length > MAX_OPEN_QUESTIONS) this.#asked.shift();
    const question = new Uint8Array(QUESTION_BYTES);
    question.set(QUESTION_LABEL, 0);
    question.set(deviceId, 16);
    question.set(this.networkId, 24);
    question.set(nonce, 40);
    return question;
  }

  /** Uses up the question that `answer` belongs to, whatever it says. What is `ignored` changes nothing else. */
  answer(answer: Uint8Array): LeaseAnswer {
    const field = (from: number, to: number): Uint8Array => answer.subarray(from, to);
    const isForm = answer.length === ANSWER_BYTES && equalBytes(field(0, 16), ANSWER_LABEL);
    if (!isForm || !equalBytes(field(24, 40), this.networkId)) return IGNORED;
    const index = this.#asked.findIndex(({ nonce }) => equalBytes(nonce, field(40, 72)));
    const asked = this.#asked[index];
    if (asked === undefined || !equalBytes(field(16, 24), asked.deviceId)) return IGNORED;
    this.#asked.splice(index, 1);
    const ageMs = this.#clock.monotonicMs() - asked.madeAtMs;
    if (ageMs >= this.#terms.graceMs) return IGNORED;
    // Only who reads the line knows the nonce of an open question: another stands in the anchor's place.
    if (!verify(null, field(0, SIGNED_BYTES), this.#terms.anchorKey, field(SIGNED_BYTES, ANSWER_BYTES)))
      return { verdict: 'wrong-key', ageMs };
    const verdict = VERDICTS[answer[96] ?? -1];
    if (verdict === undefined || field(97, SIGNED_BYTES).some((byte) => byte !== 0)) return IGNORED;
    if (!this.#isNewest(field(72, 88), Buffer.from(field(88, 96)).readBigUInt64BE())) return IGNORED;
    if (verdict === 'granted' && !this.#grant(asked, ageMs)) return IGNORED;
    return { verdict, ageMs };
  }

  #isNewest(anchorBoot: Uint8Array, sequence: bigint): boolean {
    const boot = toHex(anchorBoot);
    if (sequence <= (this.#sequences.get(boot) ?? -1n)) return false;
    this.#sequences.set(boot, sequence);
    const [oldest] = this.#sequences.keys();
    if (oldest !== undefined && this.#sequences.size > MAX_ANCHOR_BOOTS) this.#sequences.delete(oldest);
    return true;
  }

  #grant({ madeAtMs, driftMs }: Asked, ageMs: number): boolean {
    if (ageMs > this.#terms.maxRoundTripMs || this.#hasDrifted(driftMs)) return false;
    if (!this.isValid) this.#driftMs = driftMs;
    this.#validUntilMs = Math.max(this.#validUntilMs, madeAtMs + this.#terms.graceMs);
    return true;
  }

  get isValid(): boolean {
    return this.#clock.monotonicMs() < this.#validUntilMs && !this.hasClockJumped;
  }

  /** On the monotonic clock; in the past when there is no lease. */
  get validUntilMs(): number {
    return this.#validUntilMs;
  }

  /** The machine slept, or the time was set: how long the answer is old is not known any more. */
  get hasClockJumped(): boolean {
    return this.#hasDrifted(this.#driftMs);
  }

  /** Over at once, and no answer to an older question brings it back. */
  end(): void {
    this.#validUntilMs = Number.NEGATIVE_INFINITY;
    for (const { nonce } of this.#asked) nonce.fill(0);
    this.#asked = [];
  }

  #hasDrifted(sinceMs: number): boolean {
    return Math.abs(this.#drift() - sinceMs) > MAX_CLOCK_DRIFT_MS;
  }

  #drift(): number {
    return this.#clock.nowMs() - this.#clock.monotonicMs();
  }
}
