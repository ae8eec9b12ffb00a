/** What the documents name is there: links, and files in code spelling. */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FILES = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file !== '' && existsSync(join(ROOT, file)));
const DOCUMENTS = FILES.filter((file) => file.endsWith('.md'));

function linksOf(text: string): string[] {
  return [...text.matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)/g)].map(
    ([, target = '']) => target,
  );
}

/** In code spelling; a bare name may be a file of any room. */
function testsOf(text: string): string[] {
  return [...text.matchAll(/`([\w./*-]+\.test\.ts)`/g)].map(([, name = '']) => name);
}

test('every link of a document leads somewhere', () => {
  const lost = DOCUMENTS.flatMap((document) =>
    linksOf(readFileSync(join(ROOT, document), 'utf8'))
      .filter((target) => !existsSync(join(ROOT, dirname(document), target)))
      .map((target) => `${document}: ${target}`),
  );
  expect(lost).toEqual([]);
});

test('every test that a document names exists', () => {
  const exists = (name: string): boolean => {
    const pattern = new RegExp(`(^|/)${name.replaceAll('.', '\\.').replaceAll('*', '[^/]*')}$`);
    return FILES.some((file) => pattern.test(file));
  };
  const lost = DOCUMENTS.flatMap((document) =>
    testsOf(readFileSync(join(ROOT, document), 'utf8'))
      .filter((name) => !exists(name))
      .map((name) => `${document}: ${name}`),
  );
  expect(lost).toEqual([]);
});

/** Every word that `docs/words.md` gave up for another. */
function abandonedWords(): string[] {
  const rows = readFileSync(join(ROOT, 'docs/words.md'), 'utf8').matchAll(/^\|.*\|([^|]*)\|$/gm);
  return [...rows]
    .flatMap(([, cell = '']) => cell.split(','))
    .map((word) => word.trim())
    .filter((word) => /[^ -~]/.test(word));
}

test('screens, errors and documents call things by the words of docs/words.md', () => {
  const words = abandonedWords();
  expect(words.length).toBeGreaterThan(10);
  const read = FILES.filter(
    (file) =>
      /^(ui\/|appliance\/contract\/|clinic\/|docs\/|README|CHANGELOG).*\.(ts|md|html)$/.test(file) &&
      file !== 'docs/words.md',
  );
  const found = read.flatMap((file) => {
    const text = readFileSync(join(ROOT, file), 'utf8');
    return words.filter((word) => text.includes(word)).map((word) => `${file}: ${word}`);
  });
  expect(found).toEqual([]);
});
