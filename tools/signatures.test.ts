/** `docs/signatures.md` names every label and every file that signs or verifies, and nothing that is gone. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PAGE = readFileSync(join(ROOT, 'docs/signatures.md'), 'utf8');
const FOLDERS = ['anchor', 'appliance', 'centre', 'clinic', 'drivers', 'provisioning', 'ui'];
const SOURCES = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', ...FOLDERS], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => /\.(ts|mts|mjs)$/.test(file) && !/\.test\.ts$|\/(testing|testdata)\//.test(file))
  .filter((file) => existsSync(join(ROOT, file)))
  .map((file) => ({ file, text: readFileSync(join(ROOT, file), 'utf8') }));

const LABEL = /\bSEKISHO-[A-Z0-9-]*[A-Z0-9]/g;
const SIGNING =
  /import\s*\{[^}]*\b(?:sign|verify|createSign|createVerify|publicDecrypt|privateEncrypt)\b[^}]*\}\s*from 'node:crypto'/;

const labelsOf = (text: string): string[] => [...text.matchAll(LABEL)].map(([label]) => label);
const sorted = (labels: Iterable<string>): string[] => [...new Set(labels)].sort();

test('every label of the sources is on the page, and every label of the page in the sources', () => {
  const written = sorted(SOURCES.flatMap(({ text }) => labelsOf(text)));
  expect(written.length).toBeGreaterThan(10);
  expect(sorted(labelsOf(PAGE))).toEqual(written);
});

test('no label is the beginning of another', () => {
  const labels = sorted(labelsOf(PAGE));
  const ambiguous = labels.filter((label) =>
    labels.some((other) => other !== label && other.startsWith(label)),
  );
  expect(ambiguous).toEqual([]);
});

test('one label, one row', () => {
  const rows = PAGE.split('\n').filter((line) => line.startsWith('|'));
  for (const label of labelsOf(PAGE)) {
    expect(
      rows.filter((row) => labelsOf(row).includes(label)),
      label,
    ).toHaveLength(1);
  }
});

test('every file that signs or verifies is on the page', () => {
  const signing = SOURCES.filter(({ text }) => SIGNING.test(text)).map(({ file }) => file);
  expect(signing.length).toBeGreaterThan(10);
  expect(signing.filter((file) => !PAGE.includes(`\`${file}\``))).toEqual([]);
});

test('every file on the page exists', () => {
  const files = [...PAGE.matchAll(/`([\w./-]+\/[\w.-]+\.ts)`/g)].map(([, file = '']) => file);
  expect(files.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
});
