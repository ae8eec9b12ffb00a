/**
 * `node tools/boundaries.mjs [ROOT]`: checks the shape of the house against boundaries-table.mjs and prints every
 * violation as `file:line: what is wrong. Where it belongs instead.`
 */
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  EMPTY_WORDS,
  FILE_NAME,
  GENERATED_FILES,
  LIBRARIES,
  LIBRARIES_WITH_FREE_TYPES,
  MAX_LINES,
  MAX_TEST_LINES,
  ROOMS,
  TEST_FILES,
  TESTS_MAY,
} from './boundaries-table.mjs';
import { readTree } from './source-tree.mjs';

const isIn = (path, place) => path === place || path.startsWith(`${place}/`);
const isTest = (path) => TEST_FILES.test(path);

function roomOf(path) {
  return ROOMS.filter(({ folder }) => isIn(path, folder)).reduce((longest, room) =>
    room.folder.length > longest.folder.length ? room : longest,
  );
}

/** The folder of a room that is a single file. */
const folderOf = ({ folder }) => folder.replace(/\/[^/]*\.ts$/, '');

function allowedPlaces(path, room) {
  if (!isTest(path)) return room.may;
  const more = TESTS_MAY.filter(({ tests }) => tests.test(path)).flatMap(({ may }) => may);
  return [...room.may, ...more, ...(room.tests ?? [])];
}

/** An import of a file of ours. */
function judgeNeighbour(path, { path: target, isDynamic }) {
  const room = roomOf(path);
  if (isTest(target) && !isTest(path)) {
    return `${target} is for tests only. Move what the product needs out of it.`;
  }
  if (folderOf(roomOf(target)) === folderOf(room)) return undefined;
  if (!allowedPlaces(path, room).some((place) => isIn(target, place))) {
    return `${room.folder} may not import ${target}. ${room.instead}`;
  }
  if (!isDynamic && room.lazily?.some((place) => isIn(target, place))) {
    return `${target} may only be loaded when it is needed. ${room.instead}`;
  }
  return undefined;
}

/** Within a room by relative path, across rooms by alias: so a look at an import tells whether it leaves the room. */
function judgeSpelling(path, { specifier, path: target }) {
  const staysInside = folderOf(roomOf(path)) === folderOf(roomOf(target));
  if (staysInside === specifier.startsWith('.')) return undefined;
  return staysInside
    ? `${specifier} is in the same room. Write a relative path.`
    : `${specifier} leaves the room. Write an alias of package.json "imports".`;
}

function judgeLibrary(path, { library, isTypeOnly }, { dependencies, devDependencies }) {
  if (!(library in dependencies || library in devDependencies)) return `${library} is not in package.json.`;
  if (isTest(path)) return undefined;
  const places = LIBRARIES[library] ?? [];
  if (places.some((place) => isIn(path, place))) return undefined;
  if (isTypeOnly && LIBRARIES_WITH_FREE_TYPES.includes(library)) return undefined;
  return places.length === 0
    ? `${library} may be named by tests only. Should the product need it, list one file in tools/boundaries-table.mjs.`
    : `${library} is named in ${places.join(', ')}. Ask that file for what is needed, so that the library can be replaced in one place.`;
}

function judgeImport(path, imported, tree) {
  if (imported.lost) return `${imported.specifier} leads to no file.`;
  if (imported.computed) {
    return isTest(path) || isIn(path, 'tools') ? undefined : 'import() of something computed. Name the file.';
  }
  if (imported.builtin) {
    const isForBrowsers = roomOf(path).browser && !isTest(path);
    return isForBrowsers
      ? `${imported.specifier} does not exist in a browser. ${roomOf(path).instead}`
      : undefined;
  }
  if (imported.library !== undefined) return judgeLibrary(path, imported, tree);
  return judgeNeighbour(path, imported) ?? judgeSpelling(path, imported);
}

function* importViolations(tree) {
  for (const { path, imports } of tree.files) {
    for (const imported of imports) {
      const verdict = judgeImport(path, imported, tree);
      if (verdict !== undefined) yield { path, line: imported.line, text: verdict };
    }
  }
}

function* shapeViolations({ files }) {
  for (const { path, lines } of files) {
    const limit = isTest(path) ? MAX_TEST_LINES : MAX_LINES;
    if (lines > limit && !GENERATED_FILES.test(path)) {
      yield { path, line: limit + 1, text: `${lines} lines. A file past ${limit} is two ideas: split it.` };
    }
    const word = path.split(/[/.-]/).find((each) => EMPTY_WORDS.test(each));
    if (word !== undefined)
      yield { path, line: 1, text: `"${word}" says nothing. Name the file after what it is.` };
    if (!FILE_NAME.test(basename(path)))
      yield { path, line: 1, text: 'A file name is a noun in kebab-case.' };
  }
}

/** The shortest way from a file back to itself. */
function shortestLoop(start, edges) {
  const cameFrom = new Map();
  const queue = [start];
  for (const path of queue) {
    for (const next of edges.get(path) ?? []) {
      if (next === start) {
        const loop = [start];
        for (let at = path; at !== undefined; at = cameFrom.get(at)) loop.unshift(at);
        return loop;
      }
      if (!cameFrom.has(next)) {
        cameFrom.set(next, path);
        queue.push(next);
      }
    }
  }
  return undefined;
}

function* loopViolations({ files }) {
  const edges = new Map(
    files.map(({ path, imports }) => [path, imports.map((each) => each.path).filter(Boolean)]),
  );
  const reported = new Set();
  for (const { path } of files) {
    if (reported.has(path)) continue;
    const loop = shortestLoop(path, edges);
    if (loop === undefined) continue;
    for (const member of loop) reported.add(member);
    const { line } = files.find((file) => file.path === path).imports.find((each) => each.path === loop[1]);
    yield { path, line, text: `a loop: ${loop.join(' → ')}. Move what both sides need into a third file.` };
  }
}

/** Every violation in the tree at `root`, in order, as one line of text each. */
export function findViolations(root) {
  const tree = readTree(root, [...new Set(ROOMS.map(({ folder }) => folder.split('/')[0]))]);
  return [...importViolations(tree), ...shapeViolations(tree), ...loopViolations(tree)]
    .sort((a, b) => a.path.localeCompare(b.path) || a.line - b.line)
    .map(({ path, line, text }) => `${path}:${line}: ${text}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const violations = findViolations(process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url)));
  for (const violation of violations) console.error(violation);
  process.exitCode = violations.length === 0 ? 0 : 1;
}
