/**
 * Feeds the watchdog only after a look at oneself: a process that runs but cannot do its work is worth no more than
 * a hung one. What is wrong is logged each time; the watchdog bites when it stays so.
 */
import type { Clock } from '#ports/clock.ts';
import type { Logger } from '#ports/logger.ts';

/** One thing that must work; throwing or rejecting means that it does not. */
export interface SelfCheck {
  readonly name: string;
  run(): void | Promise<void>;
}

/** Whoever watches over the process. */
export interface Supervisor {
  /** The process is killed when it was not fed for this long; undefined when nobody watches. */
  readonly watchdogMs: number | undefined;
  ready(): void;
  feed(): void;
  stopping(): void;
}

export interface HeartbeatParts {
  readonly supervisor: Supervisor;
  readonly checks: readonly SelfCheck[];
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Three beats in one watchdog period: two may fail, or come late, before it bites. */
const BEATS_PER_PERIOD = 3;

/** Says ready, then beats until `stop`. Resolves when it has stopped; at once when nobody watches. */
export async function beat(parts: HeartbeatParts, stop: AbortSignal): Promise<void> {
  const { supervisor, clock, logger } = parts;
  supervisor.ready();
  if (supervisor.watchdogMs === undefined) return;
  const periodMs = supervisor.watchdogMs / BEATS_PER_PERIOD;
  let isLate = false;
  while (!stop.aborted) {
    const wrong = isLate ? 'event-loop' : await firstWrong(parts.checks, clock, periodMs, stop);
    if (wrong === undefined) supervisor.feed();
    else logger.error('liveness.failed', { check: wrong });
    const sleptFromMs = clock.monotonicMs();
    await clock.sleep(periodMs, stop).catch(() => undefined);
    isLate = clock.monotonicMs() - sleptFromMs > 2 * periodMs;
  }
}

/** The name of the first check that fails or takes longer than `limitMs`. */
async function firstWrong(
  checks: readonly SelfCheck[],
  clock: Clock,
  limitMs: number,
  stop: AbortSignal,
): Promise<string | undefined> {
  for (const { name, run } of checks) {
    const done = new AbortController();
    const tooLate = clock.sleep(limitMs, AbortSignal.any([done.signal, stop])).then(
      () => false,
      () => false,
    );
    try {
      if (!(await Promise.race([Promise.resolve(run()).then(() => true), tooLate]))) return name;
    } catch {
      return name;
    } finally {
      done.abort();
    }
  }
  return undefined;
}
