/** Repeatable choices: the same seed gives the same region on every machine. */
import { createHash } from 'node:crypto';

export interface Choices {
  /** 0 … below - 1. */
  below(limit: number): number;
  pick<const Items extends readonly [unknown, ...unknown[]]>(items: Items): Items[number];
  digits(count: number): string;
}

/** Choices for one person do not depend on how many people came before. */
export function choicesFor(label: string): Choices {
  let counter = 0;
  const next = (): number =>
    createHash('sha256').update(`sekisho-seed-1 ${label} ${counter++}`).digest().readUIntBE(0, 6);
  const below = (limit: number): number => next() % limit;
  return {
    below,
    pick: (items) => items[below(items.length)] ?? items[0],
    digits: (count) => String(next() % 10 ** count).padStart(count, '0'),
  };
}
