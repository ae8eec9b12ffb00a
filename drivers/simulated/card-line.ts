/** One card on one line: the card itself, its timing, its meter and its faults. Both depths use it. */
import type { Clock } from '#ports/clock.ts';
import type { Behaviour, FaultExchange, FaultOutcome } from './faults.ts';
import { exchangeMs, type Meter, Pacer, type TimingProfile, ZERO_TIMING } from './timing.ts';
import type { VirtualCard } from './virtual-card.ts';

export interface CardLineOptions {
  readonly clock: Clock;
  readonly timing?: TimingProfile | undefined;
  readonly meter?: Meter | undefined;
  /** Read at every exchange, so a running test may change it. */
  readonly faults?: Behaviour[] | undefined;
}

export class CardLine {
  readonly card: VirtualCard;
  readonly #options: CardLineOptions;
  readonly #pacer: Pacer;
  #count = 0;

  constructor(card: VirtualCard, options: CardLineOptions) {
    this.card = card;
    this.#options = options;
    this.#pacer = new Pacer(options.clock);
  }

  async exchange(command: Uint8Array): Promise<FaultOutcome> {
    this.#count += 1;
    const exchange: FaultExchange = {
      count: this.#count,
      command,
      run: () => this.#run(command),
      sleep: (ms) => this.#options.clock.sleep(ms),
    };
    for (const behaviour of this.#options.faults ?? []) {
      const outcome = behaviour.handle(exchange);
      if (outcome !== undefined) return outcome;
    }
    return { kind: 'answer', bytes: await this.#run(command) };
  }

  async #run(command: Uint8Array): Promise<Uint8Array> {
    const { clock, meter, timing = ZERO_TIMING } = this.#options;
    const { device, work } = this.card;
    const startMs = clock.monotonicMs();
    work.take();
    const answer = this.card.process(command);
    const operations = work.take();
    const ms = exchangeMs(timing[device], command.length, answer.length, operations);
    const label = operations.filter((operation) => operation !== 'command').join('+') || 'command';
    const [, ins = 0] = command;
    meter?.record({
      device,
      ins,
      label,
      ms,
      startMs,
      commandBytes: command.length,
      answerBytes: answer.length,
    });
    if (ms > 0) await this.#pacer.waitUntil(startMs, ms);
    return answer;
  }
}
