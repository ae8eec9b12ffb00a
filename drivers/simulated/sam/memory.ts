/** The non-volatile memory of a SAM. */
import { refuse, SW } from '../command.ts';
import type { WorkNotes } from '../virtual-card.ts';
import type { Personalisation, SamState } from './state.ts';

export class SamMemory {
  readonly state: SamState;
  readonly #work: WorkNotes;
  readonly #save: (state: SamState) => void;

  constructor(state: SamState, work: WorkNotes, save: (state: SamState) => void) {
    this.state = structuredClone(state);
    this.#work = work;
    this.#save = save;
  }

  /** Writes the changed state; an answer leaves only after this returned. */
  persist(): void {
    this.#work.note('nonvolatile-write');
    this.#save(structuredClone(this.state));
  }

  /** What was personalised, also on a disabled SAM. */
  get identity(): Personalisation {
    return this.state.personalisation ?? refuse(SW.conditions);
  }

  /** What was personalised, when it may be used. */
  get usable(): Personalisation {
    return this.state.lifeCycle === 'disabled' ? refuse(SW.referenceBlocked) : this.identity;
  }
}
