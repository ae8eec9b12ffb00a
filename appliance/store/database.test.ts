import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { integrityProblem, openDatabase, openDatabaseForReading, prepare } from './database.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sekisho-database-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const failed = expect.objectContaining({ code: 'store.failed' });

describe('the database', () => {
  test('waits for the disk at every commit and keeps its rules', () => {
    const database = openDatabase(join(folder, 'a.db'));
    const pragma = (name: string): unknown => database.pragma(name, { simple: true });
    expect(pragma('journal_mode')).toBe('wal');
    expect(pragma('synchronous')).toBe(2);
    expect(pragma('foreign_keys')).toBe(1);
    expect(integrityProblem(database)).toBeUndefined();
    database.close();
  });

  test('belongs to its owner alone, its side files too', () => {
    const database = openDatabase(join(folder, 'a.db'));
    database.exec('CREATE TABLE t (a)');
    for (const name of ['a.db', 'a.db-wal', 'a.db-shm']) {
      expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
    }
    database.close();
  });

  test('migrates once, and refuses a file of a newer version', () => {
    const path = join(folder, 'a.db');
    openDatabase(path).close();
    const again = openDatabase(path);
    again.pragma('user_version = 99');
    again.close();
    expect(() => openDatabase(path)).toThrow(failed);
  });

  test('turns what SQLite says into store errors', () => {
    writeFileSync(join(folder, 'garbage.db'), Buffer.alloc(8192, 7));
    expect(() => openDatabase(join(folder, 'garbage.db'))).toThrow(failed);
    expect(() => openDatabase(join(folder, 'no', 'folder.db'))).toThrow(failed);
    expect(() => openDatabaseForReading(join(folder, 'absent.db'))).toThrow(failed);
    const database = openDatabase(join(folder, 'a.db'));
    expect(() => prepare(database, 'SELECT nothing FROM nowhere')).toThrow(failed);
    expect(() => prepare(database, `INSERT INTO certificate VALUES ('x', 'nobody', x'00')`).run()).toThrow(
      failed,
    );
    database.close();
  });
});
