/**
 * Brings visit records to the visit-history service. It pulls from the outbox by itself: a record is sent until the
 * service has it, and sent again when its answer was lost, which the service recognises by visitId.
 */
import { type ErrorCode, toSekishoError } from '#contract/errors.ts';
import type { Clock } from '#ports/clock.ts';
import type { Logger } from '#ports/logger.ts';
import type { Random } from '#ports/random.ts';
import { LONGEST_RETRY_MS, type Outbox, type OutboxItem } from '#store/outbox.ts';
import type { VisitHistory } from '#upstream/ports.ts';
import { backoffMs } from './backoff.ts';

export interface SyncParts {
  readonly outbox: Outbox;
  readonly history: VisitHistory;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Told after each attempt, so that screens can show what still waits. */
  readonly onAttempt?: (visitId: string, error: ErrorCode | undefined) => void;
}

export interface SyncWorker {
  /** Something new waits: look now. */
  wake(): void;
  /** Resolves when the worker has ended; a record under way may be sent again after the next start. */
  stop(): Promise<void>;
}

const BATCH = 32;

/** The way to the centre is shut for every record alike; the other failures are the record's own. */
const LINE_IS_DOWN: readonly ErrorCode[] = ['centre.unreachable', 'centre.timeout', 'centre.untrusted'];

export function startSyncWorker(parts: SyncParts): SyncWorker {
  const loop = new SyncLoop(parts);
  const ended = loop.run();
  return {
    wake: () => loop.wake(),
    stop() {
      loop.stop();
      return ended;
    },
  };
}

class SyncLoop {
  readonly #parts: SyncParts;
  readonly #stopping = new AbortController();
  #nap = new AbortController();
  /** In a row, without a single success between. */
  #lineFailures = 0;

  constructor(parts: SyncParts) {
    this.#parts = parts;
  }

  wake(): void {
    this.#nap.abort();
  }

  stop(): void {
    this.#stopping.abort();
    this.#nap.abort();
  }

  async run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      // Made before looking: a wake() from here on ends the nap that follows.
      this.#nap = new AbortController();
      const pauseMs = await this.#deliverDue().catch((thrown: unknown) => this.#pauseAfter(thrown));
      await this.#parts.clock.sleep(pauseMs, this.#nap.signal).catch(() => {});
    }
  }

  /** Answers how long to pause. */
  async #deliverDue(): Promise<number> {
    const { outbox, clock } = this.#parts;
    for (const item of outbox.due(clock.nowMs(), BATCH)) {
      if (this.#stopping.signal.aborted) return 0;
      const error = await this.#deliver(item);
      if (error !== undefined && LINE_IS_DOWN.includes(error)) return this.#lineBackoffMs();
      this.#lineFailures = 0;
    }
    const nextAtMs = outbox.nextDueAtMs();
    if (nextAtMs === undefined) return LONGEST_RETRY_MS;
    return Math.min(LONGEST_RETRY_MS, Math.max(0, nextAtMs - clock.nowMs()));
  }

  async #deliver({ visitId, record, attempts }: OutboxItem): Promise<ErrorCode | undefined> {
    const { outbox, history, clock, random, logger, onAttempt } = this.#parts;
    try {
      await history.register(record, this.#stopping.signal);
    } catch (thrown) {
      if (this.#stopping.signal.aborted) return undefined;
      const { code } = toSekishoError(thrown);
      // When the line is down the worker pauses as a whole, and the oldest record tries it again first.
      const delayMs = LINE_IS_DOWN.includes(code) ? 0 : backoffMs(attempts, random);
      outbox.markFailed(visitId, code, clock.nowMs() + delayMs);
      logger.warn('sync.failed', { visitId, code, attempts: attempts + 1 });
      onAttempt?.(visitId, code);
      return code;
    }
    outbox.markDelivered(visitId, clock.nowMs());
    logger.info('sync.delivered', { visitId, attempts: attempts + 1 });
    onAttempt?.(visitId, undefined);
    return undefined;
  }

  #lineBackoffMs(): number {
    const pauseMs = backoffMs(this.#lineFailures, this.#parts.random);
    this.#lineFailures += 1;
    return pauseMs;
  }

  /** The store itself failed: nothing is lost, since rows leave it only when they are delivered. */
  #pauseAfter(thrown: unknown): number {
    this.#parts.logger.error('sync.stuck', { code: toSekishoError(thrown).code });
    return this.#lineBackoffMs();
  }
}
