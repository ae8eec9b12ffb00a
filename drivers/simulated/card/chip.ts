/** What the card gives its applications. */
import type { Clock } from '#ports/clock.ts';
import type { Random } from '#ports/random.ts';
import type { WorkNotes } from '../virtual-card.ts';

export interface Chip {
  readonly clock: Clock;
  readonly random: Random;
  readonly work: WorkNotes;
  /** The newest challenge of GET CHALLENGE, once; undefined when there is none. */
  takeChallenge(): Uint8Array | undefined;
  /** Writes the non-volatile memory: retry counters and changed PINs. */
  save(): void;
}
