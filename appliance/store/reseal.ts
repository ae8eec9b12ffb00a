/** Seals anew, a few rows at a time, what another key (or, before the first key, none) has sealed. */

import { type DataKey, isSealedBy } from './data-key.ts';
import { type Database, prepare } from './database.ts';
import type { SealedColumn } from './sealer.ts';

export interface Resealing {
  readonly to: DataKey;
  /** Opens a value that `to` did not seal. */
  open(sealed: Uint8Array, place: string): Uint8Array;
}

/** Each `next()` looks at one batch of rows; the caller wraps it in a transaction. Ends when all were seen. */
export type Resealer = (resealing: Resealing) => Iterator<void, void>;

/** About ten milliseconds; taps come between two of them. */
const ROWS_AT_ONCE = 200;

export function createResealer(database: Database, columns: readonly SealedColumn[]): Resealer {
  const passes = columns.map((column) => createPass(database, column));
  return function* reseal(resealing) {
    for (const pass of passes) yield* pass(resealing);
  };
}

type Row = Readonly<Record<string, unknown>>;

/** Goes through the rows of one column in the order of their keys. */
function createPass(database: Database, { table, column, key, place, index }: SealedColumn) {
  const names = key.join(', ');
  const select = `SELECT ${names}, ${column} FROM ${table}`;
  const order = `ORDER BY ${names} LIMIT ${ROWS_AT_ONCE}`;
  const first = prepare<[], Row>(database, `${select} ${order}`);
  const placeholders = key.map(() => '?').join(', ');
  const following = prepare<unknown[], Row>(
    database,
    `${select} WHERE (${names}) > (${placeholders}) ${order}`,
  );
  const assignments = [`${column} = ?`, ...(index === undefined ? [] : [`${index.column} = ?`])].join(', ');
  const write = prepare<unknown[]>(
    database,
    `UPDATE ${table} SET ${assignments} WHERE ${key.map((name) => `${name} = ?`).join(' AND ')}`,
  );

  function resealRow({ to, open }: Resealing, row: Row): void {
    const sealed = row[column] as Uint8Array | null;
    if (sealed === null || isSealedBy(to, sealed)) return;
    const keys = key.map((part) => row[part]);
    const name = place(...keys.map(String));
    const plain = open(sealed, name);
    const text = index?.textOf(plain);
    const indexed = index === undefined ? [] : [text === undefined ? null : to.blindIndex(text)];
    write.run(to.seal(plain, name), ...indexed, ...keys);
    plain.fill(0);
  }

  return function* pass(resealing: Resealing): Generator<void, void> {
    let rows = first.all();
    for (let last = rows.at(-1); last !== undefined; last = rows.at(-1)) {
      for (const row of rows) resealRow(resealing, row);
      yield;
      rows = following.all(...key.map((part) => last?.[part]));
    }
  };
}
