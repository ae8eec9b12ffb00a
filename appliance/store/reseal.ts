/** Seals anew, a few rows at a time, what an older key (or, before the first key, none) has sealed. */

import { type DataKey, SEAL_VERSION, sealedWith } from './data-key.ts';
import { type Database, prepare } from './database.ts';
import type { SealedColumn } from './sealer.ts';

export interface Resealing {
  readonly to: DataKey;
  /** Opens a value of an older key; a value that no key sealed is passed with `keyId` undefined. */
  open(sealed: Uint8Array, keyId: string | undefined, place: string): Uint8Array;
}

/** Reseals at most `limit` rows, inside the caller's transaction. Answers how many it did; 0 means that none is left. */
export function createResealer(
  database: Database,
  columns: readonly SealedColumn[],
): (resealing: Resealing, limit: number) => number {
  const steps = columns.map((column) => createStep(database, column));
  return (resealing, limit) => {
    let done = 0;
    for (const step of steps) {
      if (done < limit) done += step(resealing, limit - done);
    }
    return done;
  };
}

function createStep(
  database: Database,
  { table, column, key, place, index }: SealedColumn,
): (resealing: Resealing, limit: number) => number {
  type Row = Readonly<Record<string, unknown>>;
  // The head of a value names its key: see data-key.ts.
  const others = prepare<[Uint8Array, number], Row>(
    database,
    `SELECT ${[...key, column].join(', ')} FROM ${table}
     WHERE ${column} IS NOT NULL AND substr(${column}, 1, 5) IS NOT ? LIMIT ?`,
  );
  const assignments = [`${column} = ?`, ...(index === undefined ? [] : [`${index.column} = ?`])].join(', ');
  const write = prepare<unknown[]>(
    database,
    `UPDATE ${table} SET ${assignments} WHERE ${key.map((name) => `${name} = ?`).join(' AND ')}`,
  );
  return ({ to, open }, limit) => {
    const head = Buffer.concat([Buffer.of(SEAL_VERSION), Buffer.from(to.id, 'hex')]);
    const rows = others.all(head, limit);
    for (const row of rows) {
      const name = place(...key.map((part) => String(row[part])));
      const sealed = row[column] as Uint8Array;
      const plain = open(sealed, sealedWith(sealed), name);
      const text = index?.textOf(plain);
      write.run(
        to.seal(plain, name),
        ...(index === undefined ? [] : [text === undefined ? null : to.blindIndex(text)]),
        ...key.map((part) => row[part]),
      );
      plain.fill(0);
    }
    return rows.length;
  };
}
