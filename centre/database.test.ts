import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openDatabase } from './database.ts';

const folder = mkdtempSync(join(tmpdir(), 'centre-database-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const FIRST = 'CREATE TABLE thing (name TEXT PRIMARY KEY)';
const SECOND = 'ALTER TABLE thing ADD COLUMN size INTEGER NOT NULL DEFAULT 7';

test('migrations run once, in order, also on a database that holds data', () => {
  const file = join(folder, 'deep', 'a.db');
  const old = openDatabase(file, [FIRST]);
  expect(old.run('INSERT INTO thing VALUES (?)', 'one')).toBe(1);
  old.close();
  for (let round = 0; round < 2; round++) {
    const database = openDatabase(file, [FIRST, SECOND]);
    expect(database.get('SELECT * FROM thing')).toEqual({ name: 'one', size: 7 });
    database.close();
  }
});

test('a broken migration leaves the old schema', () => {
  const file = join(folder, 'b.db');
  openDatabase(file, [FIRST]).close();
  expect(() => openDatabase(file, [FIRST, `${SECOND}; NONSENSE`])).toThrow();
  const database = openDatabase(file, [FIRST, SECOND]);
  expect(database.all('SELECT * FROM thing')).toEqual([]);
  database.close();
});

test('a transaction that throws leaves nothing', () => {
  const database = openDatabase(join(folder, 'c.db'), [FIRST]);
  expect(() =>
    database.transaction(() => {
      database.run('INSERT INTO thing VALUES (?)', 'lost');
      throw new Error('stop');
    }),
  ).toThrow('stop');
  expect(database.get('SELECT * FROM thing')).toBeUndefined();
  database.close();
});

test('two openers of one file see each other', () => {
  const file = join(folder, 'd.db');
  const [one, two] = [openDatabase(file, [FIRST]), openDatabase(file, [FIRST])];
  one.run('INSERT INTO thing VALUES (?)', 'shared');
  expect(two.get('SELECT name FROM thing')).toEqual({ name: 'shared' });
  one.close();
  two.close();
});
