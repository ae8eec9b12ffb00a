/** Puts cards in and out and breaks things, by typed lines: for people at a laptop and for scripts. */
import {
  answerOnce,
  type Behaviour,
  garbleAnswer,
  mute,
  oversizeAnswer,
  removeAfterApdus,
  removeMidApdu,
  slow,
  truncateAnswer,
  twoCards,
} from './faults.ts';
import { CHIP_FAULTS, type ChipFaults, isChipFaultKind } from './pn532/faults.ts';
import type { VirtualCard } from './virtual-card.ts';

/** Where cards go: an in-process reader, a slot behind vpcd, or the antenna of an emulated chip. */
export interface ControlledSlot {
  insert(card: VirtualCard): void | Promise<void>;
  remove(): void | Promise<void>;
  readonly faults: Behaviour[];
  /** What the chip itself does wrong, where there is one. */
  readonly chipFaults?: ChipFaults;
  /** Takes the power of the chip away and gives it back. */
  reset?(): void;
}

const FAULTS: Readonly<Record<string, (...numbers: number[]) => Behaviour>> = {
  'remove-after': (count = 1) => removeAfterApdus(count),
  'remove-mid': (number = 1) => removeMidApdu(number),
  truncate: (number = 1, kept = 1) => truncateAnswer(number, kept),
  oversize: (number = 1) => oversizeAnswer(number),
  garble: (number = 1) => garbleAnswer(number),
  answer: (sw = 0x6f00, number = 1) => answerOnce(sw, number),
  slow: (ms = 1000) => slow(ms),
  mute: (number = 1) => mute(number),
  'two-cards': () => twoCards(),
};

function helpFor(slot: ControlledSlot): string {
  const lines = [
    'cards                  list the cards',
    'insert CARD            put a card on the reader',
    'remove                 take it away',
    `fault NAME [NUMBERS]   ${Object.keys(FAULTS).join(', ')}`,
    'faults                 list the faults in force',
    'clear                  end all faults',
  ];
  if (slot.chipFaults !== undefined) {
    const faults = Object.entries(CHIP_FAULTS).map(([name, what]) => `  ${name.padEnd(20)} ${what}`);
    lines.push('fault NAME [AT [TIMES [VALUE]]]   of the chip; AT 1 is the next event:', ...faults);
  }
  if (slot.reset !== undefined) lines.push('reset                  take the power of the chip away and back');
  return lines.join('\n');
}

export class CardControl {
  readonly #slot: ControlledSlot;
  readonly #cards: ReadonlyMap<string, VirtualCard>;
  #inserted: string | undefined;

  constructor(slot: ControlledSlot, cards: ReadonlyMap<string, VirtualCard>) {
    this.#slot = slot;
    this.#cards = cards;
  }

  /** The card on the reader, as far as this control put it there. */
  get inserted(): string | undefined {
    return this.#inserted;
  }

  /** Runs one line and answers what to show. */
  async run(line: string): Promise<string> {
    const [verb = '', ...words] = line.trim().split(/\s+/);
    switch (verb) {
      case 'cards':
        return [...this.#cards.keys()].join('\n');
      case 'insert':
        return this.#insert(words[0] ?? '');
      case 'remove':
        await this.#slot.remove();
        this.#inserted = undefined;
        return 'removed';
      case 'fault':
        return this.#addFault(words);
      case 'faults':
        return this.#faultNames.join('\n') || 'none';
      case 'clear':
        this.#slot.faults.length = 0;
        this.#slot.chipFaults?.clear();
        return 'no faults';
      case 'reset':
        if (this.#slot.reset === undefined) return helpFor(this.#slot);
        this.#slot.reset();
        return 'reset';
      default:
        return helpFor(this.#slot);
    }
  }

  get #faultNames(): string[] {
    const { faults, chipFaults } = this.#slot;
    return [...faults.map(({ name }) => name), ...(chipFaults?.names ?? [])];
  }

  async #insert(id: string): Promise<string> {
    const card = this.#cards.get(id);
    if (card === undefined) return `no such card: ${id}`;
    if (this.#inserted !== undefined) await this.#slot.remove();
    await this.#slot.insert(card);
    this.#inserted = id;
    return `inserted ${id}`;
  }

  #addFault([name = '', ...words]: string[]): string {
    const make = Object.hasOwn(FAULTS, name) ? FAULTS[name] : undefined;
    const numbers = words.map(Number);
    if (numbers.some((number) => !Number.isInteger(number) || number < 0)) return helpFor(this.#slot);
    if (this.#slot.chipFaults !== undefined && isChipFaultKind(name)) {
      const [at = 1, times = 1, value] = numbers;
      this.#slot.chipFaults.add({ kind: name, at, times, ...(value === undefined ? {} : { value }) });
      return `fault ${name} ${at} ${times}`;
    }
    if (make === undefined) return helpFor(this.#slot);
    const behaviour = make(...numbers);
    this.#slot.faults.push(behaviour);
    return `fault ${behaviour.name}`;
  }
}
