import { basename } from 'node:path';
import { expect, test } from 'vitest';
import { DATABASE_FILE } from '#appliance/appliance.ts';
import { databaseFile, STATE_FOLDER } from './state-folder.ts';

test('the commands and the appliance mean the same database file', () => {
  expect(basename(databaseFile('anywhere'))).toBe(DATABASE_FILE);
});

test('state stands in the project, not in its build', () => {
  expect(STATE_FOLDER).toMatch(/\/state$/);
  expect(STATE_FOLDER).not.toContain('/clinic/');
});
