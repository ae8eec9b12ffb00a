/** One card on the air: what it answers, and how much time it needs, with the behaviours that break it. */
import type { LinkImage } from '../card/image.ts';
import type { Behaviour, FaultExchange } from '../faults.ts';
import type { DeviceTiming } from '../timing.ts';
import type { VirtualCard } from '../virtual-card.ts';

/** A card with an antenna. */
export interface ContactlessCard extends VirtualCard {
  readonly link: LinkImage;
  /** ATQB of this stay in the field; undefined for type A. */
  readonly atqb: Uint8Array | undefined;
}

export function isContactless(card: VirtualCard): card is ContactlessCard {
  return 'link' in card;
}

export type CardReply =
  /** `ms`: how long the chip worked for it. */
  | { readonly kind: 'answer'; readonly bytes: Uint8Array; readonly ms: number; readonly label: string }
  | { readonly kind: 'removed' }
  | { readonly kind: 'mute' };

export class CardWork {
  readonly card: ContactlessCard;
  readonly #timing: DeviceTiming;
  readonly #behaviours: readonly Behaviour[];
  #count = 0;

  constructor(card: ContactlessCard, timing: DeviceTiming, behaviours: readonly Behaviour[]) {
    this.card = card;
    this.#timing = timing;
    this.#behaviours = behaviours;
  }

  async answer(command: Uint8Array): Promise<CardReply> {
    this.#count += 1;
    let ms = 0;
    let label = 'command';
    const run = (): Uint8Array => {
      const { work } = this.card;
      work.take();
      const bytes = this.card.process(command);
      const operations = work.take();
      ms += operations.reduce((sum, operation) => sum + this.#timing.operationMs[operation], 0);
      label = operations.filter((operation) => operation !== 'command').join('+') || 'command';
      return bytes;
    };
    const exchange: FaultExchange = {
      count: this.#count,
      command,
      run: () => Promise.resolve(run()),
      sleep: (sleptMs) => {
        ms += sleptMs;
        return Promise.resolve();
      },
    };
    for (const behaviour of this.#behaviours) {
      const outcome = await behaviour.handle(exchange);
      if (outcome !== undefined) return outcome.kind === 'answer' ? { ...outcome, ms, label } : outcome;
    }
    return { kind: 'answer', bytes: run(), ms, label };
  }
}
