import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openIdentity } from './identity.ts';
import { inFolder, makeFolder, UnusableFolder } from './state-folder.ts';

const folder = mkdtempSync(join(tmpdir(), 'sekisho-anchor-folder-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('is made with all that is missing above it, for its owner alone, and again without a word', () => {
  const deep = join(folder, 'a', 'b', 'c');
  makeFolder(deep);
  makeFolder(deep);
  expect(statSync(deep).mode & 0o777).toBe(0o700);
  expect(statSync(join(folder, 'a')).mode & 0o777).toBe(0o700);
});

test('that cannot be is told by name, with what the system said', () => {
  const file = join(folder, 'file');
  writeFileSync(file, 'kept');
  for (const place of [file, join(file, 'below')]) {
    expect(() => openIdentity(place)).toThrow(UnusableFolder);
    expect(() => openIdentity(place)).toThrow(expect.objectContaining({ folder: place }));
    expect(() => openIdentity(place)).toThrow(/EEXIST|ENOTDIR/);
  }
  expect(existsSync(join(folder, 'below'))).toBe(false);
});

test('a key that is damaged is no matter of the folder', () => {
  writeFileSync(join(folder, 'anchor-key.pem'), 'no key');
  expect(() => openIdentity(folder)).not.toThrow(UnusableFolder);
  expect(() => openIdentity(folder)).toThrow();
  expect(() =>
    inFolder(folder, () => {
      throw new RangeError('odd');
    }),
  ).toThrow(RangeError);
});
