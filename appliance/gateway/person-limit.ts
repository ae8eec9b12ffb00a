/**
 * The same person is read only so often by one terminal (source document 003). Every use of the organisation key for a
 * card counts, also when nothing came of it, whichever screen asked. Time is running time: it goes on from the last use
 * when the gateway starts anew, so neither a restart nor a wall clock that is set gives back a single use; a box that is
 * off at night is limited more, never less.
 */
import { createHash } from 'node:crypto';
import { SekishoError } from '#contract/errors.ts';
import type { Clock } from '#ports/clock.ts';
import type { CertificateFacts } from '#trust/ports.ts';

export interface PersonUse {
  /** SHA-256 of the certificate on the card, hex: the first thing that tells one card from another. */
  readonly person: string;
  /** Running time of this gateway over all its lives, in whole milliseconds. */
  readonly atMs: number;
}

/** What outlives the process. */
export interface PersonUseMemory {
  /** Oldest first. */
  personUses(): readonly PersonUse[];
  /** Durable when it returns; what is older than `forgetBeforeMs` may go. Throws `store.*`. */
  recordPersonUse(use: PersonUse, forgetBeforeMs: number): void;
}

const DAY_MS = 86_400_000;

export function personOf({ der }: Pick<CertificateFacts, 'der'>): string {
  return createHash('sha256').update(der).digest('hex');
}

export class PersonLimit {
  readonly #memory: PersonUseMemory;
  readonly #usesPerDay: number;
  readonly #clock: Clock;
  readonly #baseMs: number;
  /** Oldest first. */
  readonly #uses: PersonUse[];

  constructor(memory: PersonUseMemory, usesPerDay: number, clock: Clock) {
    this.#memory = memory;
    this.#usesPerDay = usesPerDay;
    this.#clock = clock;
    this.#uses = [...memory.personUses()];
    this.#baseMs = (this.#uses.at(-1)?.atMs ?? 0) - clock.monotonicMs();
  }

  /** Throws `tap.limit-reached` when `person` had all uses of the last 24 hours of running time. */
  requireBelow(person: string): void {
    const sinceMs = this.#nowMs() - DAY_MS;
    let count = 0;
    for (const use of this.#uses) if (use.person === person && use.atMs > sinceMs) count += 1;
    if (count >= this.#usesPerDay) throw new SekishoError('tap.limit-reached');
  }

  /** The organisation key was used for this person. Throws `store.*`. */
  record(person: string): void {
    const atMs = this.#nowMs();
    const sinceMs = atMs - DAY_MS;
    this.#memory.recordPersonUse({ person, atMs }, sinceMs);
    // Adding before forgetting: the newest one is never too old, so there is always one to keep.
    this.#uses.push({ person, atMs });
    this.#uses.splice(
      0,
      this.#uses.findIndex((use) => use.atMs > sinceMs),
    );
  }

  #nowMs(): number {
    return Math.floor(this.#baseMs + this.#clock.monotonicMs());
  }
}
