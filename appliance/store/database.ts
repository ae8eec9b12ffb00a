/** Opens the one database file. The only file that names the SQLite library. */
import { closeSync, openSync } from 'node:fs';
import Sqlite from 'better-sqlite3';
import { SekishoError } from '#contract/errors.ts';
import { MIGRATIONS } from './migrations.ts';

export type Database = Sqlite.Database;

/** A prepared statement whose failures are `store.*`. */
export interface Query<Binds extends unknown[], Row> {
  get(...binds: Binds): Row | undefined;
  all(...binds: Binds): readonly Row[];
  /** Row by row; the connection can do nothing else meanwhile. */
  iterate(...binds: Binds): Iterable<Row>;
  /** Answers how many rows changed. */
  run(...binds: Binds): number;
}

/** How long a writer waits for the export's reader and the like before it gives up. */
const BUSY_TIMEOUT_MS = 5_000;

/** Opens for reading and writing, durably, and brings the tables up to date. Throws `store.*`. */
export function openDatabase(path: string): Database {
  createPrivateFile(path);
  return orStoreError(() => {
    const database = new Sqlite(path, { timeout: BUSY_TIMEOUT_MS });
    try {
      // WAL with FULL waits for the disk at every commit; NORMAL would lose acknowledged commits in a power cut.
      // @see https://sqlite.org/pragma.html#pragma_synchronous
      database.pragma('journal_mode = WAL');
      database.pragma('synchronous = FULL');
      // The binding's default of 16 MB fills up with the database, tap by tap; the kernel caches the file anyway.
      database.pragma('cache_size = -2000');
      database.pragma('foreign_keys = ON');
      database.pragma('trusted_schema = OFF');
      migrate(database);
      return database;
    } catch (thrown) {
      database.close();
      throw thrown;
    }
  });
}

/** Opens beside a running appliance, for reading only. Throws `store.*`. */
export function openDatabaseForReading(path: string): Database {
  return orStoreError(
    () => new Sqlite(path, { timeout: BUSY_TIMEOUT_MS, readonly: true, fileMustExist: true }),
  );
}

export function prepare<Binds extends unknown[], Row = never>(
  database: Database,
  sql: string,
): Query<Binds, Row> {
  const statement = orStoreError(() => database.prepare<Binds, Row>(sql));
  return {
    get: (...binds) => orStoreError(() => statement.get(...binds)),
    all: (...binds) => orStoreError(() => statement.all(...binds)),
    iterate: (...binds) => statement.iterate(...binds),
    run: (...binds) => orStoreError(() => statement.run(...binds).changes),
  };
}

/** Runs work as one durable transaction: all of it, or nothing and a `store.*` error. */
export type Transaction = <Result>(work: () => Result) => Result;

/** Prepared once, because building a transaction anew costs a fifth of the commit itself. */
export function prepareTransaction(database: Database): Transaction {
  const begin = prepare(database, 'BEGIN IMMEDIATE');
  const commit = prepare(database, 'COMMIT');
  const rollback = prepare(database, 'ROLLBACK');
  return (work) => {
    begin.run();
    try {
      const result = work();
      commit.run();
      return result;
    } catch (thrown) {
      // A full disk ends the transaction by itself. @see https://sqlite.org/lang_transaction.html
      if (database.inTransaction) rollback.run();
      throw thrown;
    }
  };
}

/** Reads the file and takes the write lock for a moment. Throws `store.*` when one of them does not go. */
export function probeDatabase(database: Database): void {
  orStoreError(() => {
    // Nobody else writes; waiting for a lock would only hold up those who work.
    database.pragma('busy_timeout = 0');
    try {
      database.exec('BEGIN IMMEDIATE');
      try {
        database.prepare('SELECT count(*) FROM sqlite_schema').get();
      } finally {
        database.exec('ROLLBACK');
      }
    } finally {
      database.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
    }
  });
}

/** What SQLite finds wrong with the file; undefined when it is sound. */
export function integrityProblem(database: Database): string | undefined {
  const found = orStoreError(() => database.pragma('integrity_check(1)', { simple: true }));
  return found === 'ok' ? undefined : String(found);
}

/** Turns the library's errors into ours; other errors pass. */
export function orStoreError<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (thrown) {
    if (!(thrown instanceof Sqlite.SqliteError)) throw thrown;
    const code = thrown.code === 'SQLITE_FULL' ? 'store.full' : 'store.failed';
    throw new SekishoError(code, { context: { sqlite: thrown.code }, cause: thrown });
  }
}

/** SQLite gives its WAL and index files the mode of the database file. */
function createPrivateFile(path: string): void {
  try {
    closeSync(openSync(path, 'a', 0o600));
  } catch (cause) {
    throw new SekishoError('store.failed', { cause });
  }
}

function migrate(database: Database): void {
  const done = Number(database.pragma('user_version', { simple: true }));
  if (done > MIGRATIONS.length) {
    throw new SekishoError('store.failed', { context: { why: 'made by a newer version', version: done } });
  }
  const inTransaction = prepareTransaction(database);
  for (const [at, sql] of MIGRATIONS.entries()) {
    if (at < done) continue;
    inTransaction(() => {
      database.exec(sql);
      database.pragma(`user_version = ${at + 1}`);
    });
  }
}
