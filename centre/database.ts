/**
 * SQLite for the services of the centre; the only file of the room that names the library.
 *
 * Services speak to `CentreDatabase`, so that PostgreSQL (by `DATABASE_URL`) can stand behind the same three verbs.
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import Sqlite from 'better-sqlite3';

export type SqlValue = string | number | Uint8Array | null;

export interface CentreDatabase {
  /** Number of rows that changed. */
  run(sql: string, ...values: readonly SqlValue[]): number;
  get<Row>(sql: string, ...values: readonly SqlValue[]): Row | undefined;
  all<Row>(sql: string, ...values: readonly SqlValue[]): Row[];
  /** All of `work` or nothing; a throw undoes it. */
  transaction<Result>(work: () => Result): Result;
  close(): void;
}

/** Opens or creates `file` and brings it to the newest schema. `migrations` only ever grows at its end. */
export function openDatabase(file: string, migrations: readonly string[]): CentreDatabase {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const sqlite = new Sqlite(file);
  // FULL: a visit that was answered 201 survives a power cut. Several processes share a file, hence the wait.
  for (const pragma of [
    'journal_mode = WAL',
    'synchronous = FULL',
    'busy_timeout = 5000',
    'foreign_keys = ON',
  ]) {
    sqlite.pragma(pragma);
  }
  migrate(sqlite, migrations);
  const statements = new Map<string, Sqlite.Statement<unknown[]>>();
  const prepare = (sql: string): Sqlite.Statement<unknown[]> => {
    const known = statements.get(sql);
    if (known !== undefined) return known;
    const fresh = sqlite.prepare<unknown[]>(sql);
    statements.set(sql, fresh);
    return fresh;
  };
  return {
    run: (sql, ...values) => prepare(sql).run(...values).changes,
    get: <Row>(sql: string, ...values: readonly SqlValue[]) => prepare(sql).get(...values) as Row | undefined,
    all: <Row>(sql: string, ...values: readonly SqlValue[]) => prepare(sql).all(...values) as Row[],
    transaction: (work) => sqlite.transaction(work).immediate(),
    close: () => sqlite.close(),
  };
}

function migrate(sqlite: Sqlite.Database, migrations: readonly string[]): void {
  const bringUp = sqlite.transaction(() => {
    const done = sqlite.pragma('user_version', { simple: true }) as number;
    for (const [index, sql] of migrations.entries()) {
      if (index >= done) sqlite.exec(sql);
    }
    sqlite.pragma(`user_version = ${Math.max(done, migrations.length)}`);
  });
  bringUp.immediate();
}
