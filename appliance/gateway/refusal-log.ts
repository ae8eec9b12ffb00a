/**
 * Refused operators as evidence, without letting whoever repeats them fill the disk: the first are entries of their own,
 * more of them within a while are counted and become one entry with count and time span. At most two entries per
 * `SPAN_MS` besides the first, whatever happens. A power cut costs the count since the last entry, so of `SPAN_MS` at
 * most, and never an entry.
 */
import { type ErrorCode, toSekishoError } from '#contract/errors.ts';
import type { EvidenceRecord } from '#evidence/record.ts';
import type { GatewayParts } from './parts.ts';
import { appendStamped } from './stamped-entry.ts';

/** A morning of mistyped PINs. */
export const FIRST_REFUSALS = 5;
export const SPAN_MS = 300_000;

interface Counted {
  readonly fromMs: number;
  toMs: number;
  readonly errors: Map<ErrorCode, number>;
}

export class RefusalLog {
  readonly #parts: Pick<GatewayParts, 'clock' | 'ledger' | 'samAccess' | 'logger'>;
  readonly #end = new AbortController();
  /** Entries of their own that may still be made; one more after each span. */
  #left = FIRST_REFUSALS;
  #refilledAtMs: number;
  #counted: Counted | undefined;
  #waiting: Promise<void> = Promise.resolve();

  constructor(parts: Pick<GatewayParts, 'clock' | 'ledger' | 'samAccess' | 'logger'>) {
    this.#parts = parts;
    this.#refilledAtMs = parts.clock.monotonicMs();
  }

  /** Never rejects: the operator must learn what was wrong with the PIN, not with the disk. */
  async record(error: ErrorCode, screen: string): Promise<void> {
    this.#refill();
    if (this.#left < 1) return this.#count(error);
    this.#left -= 1;
    await this.#append({ kind: 'operator-refused', at: this.#now(), error, screen });
  }

  /** Writes down what is counted. */
  async close(): Promise<void> {
    this.#end.abort();
    await this.#waiting;
    await this.#writeCounted();
  }

  #refill(): void {
    const spans = Math.floor((this.#parts.clock.monotonicMs() - this.#refilledAtMs) / SPAN_MS);
    this.#left = Math.min(FIRST_REFUSALS, this.#left + spans);
    this.#refilledAtMs += spans * SPAN_MS;
  }

  #count(error: ErrorCode): void {
    const nowMs = this.#parts.clock.nowMs();
    const isFirst = this.#counted === undefined;
    this.#counted ??= { fromMs: nowMs, toMs: nowMs, errors: new Map() };
    this.#counted.toMs = nowMs;
    this.#counted.errors.set(error, (this.#counted.errors.get(error) ?? 0) + 1);
    if (isFirst) this.#waiting = this.#writeAfterSpan();
  }

  async #writeAfterSpan(): Promise<void> {
    while (!this.#end.signal.aborted && this.#counted !== undefined) {
      try {
        await this.#parts.clock.sleep(SPAN_MS, this.#end.signal);
      } catch {
        return;
      }
      await this.#writeCounted();
    }
  }

  /** What the disk does not take is counted on. */
  async #writeCounted(): Promise<void> {
    const counted = this.#counted;
    if (counted === undefined) return;
    this.#counted = undefined;
    const { fromMs, toMs, errors } = counted;
    const isWritten = await this.#append({
      kind: 'operator-refusals',
      at: this.#now(),
      count: [...errors.values()].reduce((sum, each) => sum + each, 0),
      from: new Date(fromMs).toISOString(),
      to: new Date(toMs).toISOString(),
      errors: Object.fromEntries(errors),
    });
    if (!isWritten) this.#restore(counted);
  }

  #restore({ fromMs, toMs, errors }: Counted): void {
    const later = this.#counted;
    const all = new Map(errors);
    for (const [error, count] of later?.errors ?? []) all.set(error, (all.get(error) ?? 0) + count);
    this.#counted = { fromMs, toMs: later?.toMs ?? toMs, errors: all };
  }

  async #append(record: EvidenceRecord): Promise<boolean> {
    try {
      await appendStamped(this.#parts, record);
      return true;
    } catch (thrown) {
      this.#parts.logger.error('operator-refused.not-recorded', { error: toSekishoError(thrown) });
      return false;
    }
  }

  #now(): string {
    return new Date(this.#parts.clock.nowMs()).toISOString();
  }
}
