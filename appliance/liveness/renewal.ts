/**
 * A gateway that is locked knows nobody. JavaScript overwrites no string, so whoever knew people ends with the lock: the kernel
 * gives no page of an ended process to anybody before it is blank, and systemd starts one anew that has met nobody yet.
 */
import { type Clock, within } from '#ports/clock.ts';
import type { Logger } from '#ports/logger.ts';

/** Of a process that ended because it was locked. @see SuccessExitStatus of provisioning/systemd/sekisho-gateway.service */
export const RENEWED = 80;

export interface Acquaintance {
  /** Patient data can be read. */
  readonly patients: boolean;
  /** Somebody works here. */
  readonly operator: boolean;
}

/** Decides when: once for each process that knew anybody, never for one that did not. */
export class Renewal {
  readonly due: Promise<void>;
  #fall: () => void = () => {};
  #isDue = false;
  #knewPatients = false;
  #knewOperator = false;

  constructor() {
    this.due = new Promise((resolve) => {
      this.#fall = resolve;
    });
  }

  /** Nobody may be met any more: this process is about to end. */
  get isDue(): boolean {
    return this.#isDue;
  }

  /** To be told whenever it may have changed. */
  note({ patients, operator }: Acquaintance): void {
    this.#knewPatients ||= patients;
    this.#knewOperator ||= operator;
    // Without the SAM a clerk can still take visits, which are in memory as long.
    if (patients || (operator && !this.#knewPatients)) return;
    if (!this.#knewPatients && !this.#knewOperator) return;
    this.#isDue = true;
    this.#fall();
  }
}

/** Longer than the search for a SAM that stamps the lock (`gateway/sam-keeper.ts`). */
const LONGEST_MS = 8_000;

/** Resolves when all was written and answered, or when that takes too long. Never rejects. */
export async function finish(close: () => Promise<void>, clock: Clock, logger: Logger): Promise<void> {
  const closed = close().catch((error: unknown) => logger.error('renewal.not-closed', { error }));
  await within(clock, LONGEST_MS, closed, () => logger.error('renewal.late'));
}
