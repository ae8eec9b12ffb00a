/** The source files of the project, and what each of their imports stands for. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, posix } from 'node:path';
import { scanImports } from './import-scanner.mjs';

const SOURCE = /\.(ts|mts|mjs)$/;

function* walk(root, folder) {
  if (!existsSync(join(root, folder))) return;
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) yield* walk(root, path);
    else if (SOURCE.test(entry.name)) yield path;
  }
}

/** The path of ours that an alias such as `#card/apdu.ts` stands for; undefined when package.json knows none. */
function resolveAlias(specifier, aliases) {
  for (const [pattern, target] of Object.entries(aliases)) {
    const [head, tail] = pattern.split('*');
    if (!specifier.startsWith(head) || !specifier.endsWith(tail)) continue;
    const star = specifier.slice(head.length, specifier.length - tail.length);
    return posix.normalize(target.default.replace('*', star));
  }
  return undefined;
}

function packageName(specifier) {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** Adds to an import what it stands for: `{ path }` of ours, `{ library }`, `{ builtin: true }` or `{ lost: true }`. */
function resolve(from, imported, { root, aliases }) {
  const { specifier } = imported;
  if (specifier === undefined) return { ...imported, computed: true };
  if (isBuiltin(specifier)) return { ...imported, builtin: true };
  if (!/^[.#]/.test(specifier)) return { ...imported, library: packageName(specifier) };
  const path = specifier.startsWith('#')
    ? resolveAlias(specifier, aliases)
    : posix.normalize(posix.join(dirname(from), specifier));
  return path !== undefined && existsSync(join(root, path))
    ? { ...imported, path }
    : { ...imported, lost: true };
}

/** Every source file below these folders: `{ path, lines, imports }`. */
export function readTree(root, folders) {
  const {
    imports: aliases = {},
    dependencies = {},
    devDependencies = {},
  } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const files = folders
    .flatMap((folder) => [...walk(root, folder)])
    .sort()
    .map((path) => {
      const text = readFileSync(join(root, path), 'utf8');
      const imports = scanImports(text).map((each) => resolve(path, each, { root, aliases }));
      return { path, lines: text.split('\n').length - 1, imports };
    });
  return { files, dependencies, devDependencies };
}
