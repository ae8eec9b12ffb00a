/** A clock and a visit-history service that do as a test says. */
import type { VisitRecord } from '#contract/centre/visit-history.ts';
import { type ErrorCode, SekishoError } from '#contract/errors.ts';
import type { Clock } from '#ports/clock.ts';
import type { VisitHistory } from '#upstream/ports.ts';

/** Time that passes only when everybody sleeps: naps are written down and end when the test says so. */
export class ScriptedClock implements Clock {
  now = Date.parse('2026-11-21T09:00:00.000Z');
  readonly naps: number[] = [];
  #end: () => void = () => {};
  #slept: () => void = () => {};

  nowMs(): number {
    return this.now;
  }
  monotonicMs(): number {
    return this.now;
  }
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.naps.push(ms);
    this.#slept();
    return new Promise((resolve, reject) => {
      this.#end = () => {
        this.now += ms;
        resolve();
      };
      if (signal?.aborted) reject(signal.reason);
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  }
  /** Resolves at the next nap after `act`. */
  async untilNap(act: () => void): Promise<number> {
    const slept = new Promise<void>((resolve) => {
      this.#slept = resolve;
    });
    act();
    await slept;
    return this.naps.at(-1) ?? Number.NaN;
  }
  sleepOn(): Promise<number> {
    return this.untilNap(() => this.#end());
  }
}

/** A visit-history service that keeps what it got, even when its answer is lost. */
export class ScriptedHistory implements VisitHistory {
  readonly kept = new Map<string, VisitRecord>();
  readonly calls: string[] = [];
  /** What to throw per call, before keeping or after. */
  before: (record: VisitRecord, signal?: AbortSignal) => ErrorCode | undefined | Promise<never> = () =>
    undefined;
  after: (record: VisitRecord) => ErrorCode | undefined = () => undefined;

  async register(
    record: VisitRecord,
    signal?: AbortSignal,
  ): Promise<{ visitId: string; receivedAt: string }> {
    this.calls.push(record.visitId);
    const refused = await this.before(record, signal);
    if (refused !== undefined) throw new SekishoError(refused);
    const known = this.kept.get(record.visitId);
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(record)) {
      throw new SekishoError('centre.rejected-request');
    }
    this.kept.set(record.visitId, record);
    const lost = this.after(record);
    if (lost !== undefined) throw new SekishoError(lost);
    return { visitId: record.visitId, receivedAt: '2026-11-21T09:00:00.000Z' };
  }
}
