/** Holds the facts, runs the machine and its effects, and tells subscribers. */
import { SekishoError } from '#contract/errors.ts';
import type { Logger } from '#ports/logger.ts';
import type { EffectRunner } from './effects.ts';
import { runEffect } from './effects.ts';
import { type Effect, type Input, transition } from './machine.ts';
import { type Facts, INITIAL_FACTS } from './state.ts';

/** What a listener hears of: `step` is one of a running tap that began or ended, and nothing else. */
export type Change = 'state' | 'step';

export class GatewayCore {
  #facts: Facts = INITIAL_FACTS;
  #effects: Promise<void> = Promise.resolve();
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #runner: () => EffectRunner;
  readonly #logger: Logger;

  constructor(runner: () => EffectRunner, logger: Logger) {
    this.#runner = runner;
    this.#logger = logger;
  }

  get facts(): Facts {
    return this.#facts;
  }

  /** Applies one input; throws the refusal. Effects start at once, in order. */
  apply(input: Input): void {
    const outcome = transition(this.#facts, input);
    if ('refused' in outcome) throw new SekishoError(outcome.refused);
    this.#log(input.type, outcome.facts);
    this.#facts = outcome.facts;
    for (const effect of outcome.effects) this.run(effect);
    this.publish();
  }

  /** Starts one effect at once; also one that had to wait for something. */
  run(effect: Effect): void {
    // Caught at once and not in its turn: it may fail while an effect before it still runs.
    const done = runEffect(effect, this.#runner()).catch((thrown: unknown) => {
      this.#logger.error('effect.failed', { effect: effect.do, error: thrown });
    });
    this.#effects = this.#effects.then(() => done);
  }

  /** Resolves when every effect started so far has ended. */
  settled(): Promise<void> {
    return this.#effects;
  }

  subscribe(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** What a listener throws is not the business of whoever changed the facts. */
  publish(change: Change = 'state'): void {
    for (const listener of this.#listeners) {
      try {
        listener(change);
      } catch (thrown) {
        this.#logger.error('gateway.listener-failed', { error: thrown });
      }
    }
  }

  #log(by: string, next: Facts): void {
    const was = this.#facts;
    if (was.sam.kind !== next.sam.kind) {
      this.#logger.info('gateway.sam', { from: was.sam.kind, to: next.sam.kind, by });
    }
    if (was.network !== next.network) {
      this.#logger.info('gateway.network', { from: was.network, to: next.network, by });
    }
    if (was.reader !== next.reader) {
      this.#logger.info('gateway.reader', { from: was.reader, to: next.reader, by });
    }
    if (was.operator.kind !== next.operator.kind) {
      this.#logger.info('gateway.operator', { from: was.operator.kind, to: next.operator.kind, by });
    }
  }
}
