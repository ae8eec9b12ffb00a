/**
 * The health of one service, and the reason why a dead one costs a tap nothing after its first failure:
 * while the circuit is open every call fails at once, and a probe in the background closes it again.
 */
import { isSekishoError, SekishoError, toSekishoError } from '#contract/errors.ts';
import type { Clock } from '#ports/clock.ts';
import type { Logger } from '#ports/logger.ts';
import { withDeadline } from './deadline.ts';
import type { Line } from './line.ts';

const FIRST_PROBE_MS = 1_000;
const SLOWEST_PROBE_MS = 30_000;

export interface CircuitOptions {
  /** For log lines. */
  readonly name: string;
  /** For every call and every probe, from first byte to last, connecting and proving included. */
  readonly deadlineMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onChange: () => void;
}

/** Failures that say something about one request and nothing about the service. */
const NOT_THE_SERVICE = [
  'centre.rejected-request',
  'eligibility.processing-error',
  'eligibility.unavailable',
  'revocation.unknown',
] as const;

export class Circuit {
  readonly #line: Line;
  readonly #options: CircuitOptions;
  readonly #closing = new AbortController();
  #healthy = false;
  #broken: SekishoError | undefined;
  #failures = 0;
  #probing = false;

  constructor(line: Line, options: CircuitOptions) {
    this.#line = line;
    this.#options = options;
    line.onLost(() => void this.warm());
  }

  /** True after a success that no failure has followed. */
  get healthy(): boolean {
    return this.#healthy;
  }

  /** Runs one call within the deadline, or refuses at once while the circuit is open. */
  async call<T>(
    caller: AbortSignal | undefined,
    work: (line: Line, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    if (this.#broken !== undefined) {
      throw new SekishoError(this.#broken.code, { cause: this.#broken, context: { circuit: 'open' } });
    }
    const { clock, deadlineMs } = this.#options;
    try {
      const result = await withDeadline(clock, deadlineMs, caller, (signal) => work(this.#line, signal));
      this.#succeed();
      this.#failures = 0;
      return result;
    } catch (thrown) {
      const error = toSekishoError(thrown);
      if (isSekishoError(error, ...NOT_THE_SERVICE)) this.#succeed();
      else if (!caller?.aborted) this.#fail(error);
      throw error;
    }
  }

  /** Gets the line ready. Never rejects; `healthy` tells. */
  async warm(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    const { clock, deadlineMs } = this.#options;
    try {
      await withDeadline(clock, deadlineMs, this.#closing.signal, (signal) => this.#line.warm(signal));
      this.#succeed();
    } catch (thrown) {
      if (!this.#closing.signal.aborted) this.#fail(toSekishoError(thrown));
    }
  }

  close(): void {
    this.#closing.abort();
    this.#line.close();
  }

  #succeed(): void {
    this.#broken = undefined;
    this.#setHealthy(true);
  }

  #fail(error: SekishoError): void {
    this.#broken = error;
    this.#failures += 1;
    this.#options.logger.warn('centre.failed', {
      service: this.#options.name,
      code: error.code,
      ...error.context,
    });
    this.#setHealthy(false);
    void this.#probe();
  }

  #setHealthy(healthy: boolean): void {
    if (this.#healthy === healthy) return;
    this.#healthy = healthy;
    this.#options.logger.info('centre.health', { service: this.#options.name, healthy });
    this.#options.onChange();
  }

  /** Tries, ever more slowly, until the line is warm again. One such loop at a time. */
  async #probe(): Promise<void> {
    if (this.#probing) return;
    this.#probing = true;
    while (this.#broken !== undefined && !this.#closing.signal.aborted) {
      const pauseMs = Math.min(FIRST_PROBE_MS * 2 ** (this.#failures - 1), SLOWEST_PROBE_MS);
      await this.#options.clock.sleep(pauseMs, this.#closing.signal).catch(() => {});
      await this.warm();
    }
    this.#probing = false;
  }
}
