/**
 * Emits `build/` (one .js per .ts, data beside it, and the counter page) when a source is newer than the last build.
 * Node 20 strips no types; one way for every Node version is easier to trust than two.
 */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const BUILD = join(ROOT, 'build');
const STAMP = join(BUILD, '.built');
const LOCK = join(ROOT, 'node_modules', '.sekisho-build');
const LOCK_POLL_MS = 100;
const SOURCE_FOLDERS = ['appliance', 'drivers', 'centre', 'anchor', 'clinic', 'provisioning', 'ui'];
/** What the programs read or start beside themselves. */
const DATA = /\.(json|jp2|png|sql|html|css|svg|mjs|py|service)$/;

function* walk(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else yield path;
  }
}

function sources() {
  return SOURCE_FOLDERS.map((name) => join(ROOT, name))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => [...walk(folder)]);
}

/** Names and times of all sources: a file that was added, changed or removed makes another text. */
function fingerprint(files) {
  const configuration = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'];
  return [...files, ...configuration.map((name) => join(ROOT, name))]
    .map((file) => `${file} ${statSync(file).mtimeMs}`)
    .join('\n');
}

const isBuilt = (print) => existsSync(STAMP) && readFileSync(STAMP, 'utf8') === print;

function emitPrograms() {
  const tsc = join(ROOT, 'node_modules', 'typescript', 'lib', 'tsc.js');
  const done = spawnSync(process.execPath, [tsc, '-p', join(ROOT, 'tsconfig.build.json')], {
    encoding: 'utf8',
  });
  if (done.status !== 0) throw new Error(`tsc failed\n${done.stdout}${done.stderr}`);
}

async function emitPage() {
  const entry = join(ROOT, 'ui', 'app.ts');
  if (!existsSync(entry)) return;
  const { build } = await import('esbuild');
  await build({
    entryPoints: [entry],
    outfile: join(BUILD, 'ui', 'app.js'),
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    logLevel: 'error',
  });
}

/** One file that runs on a bare Node, Windows too: an anchor's PC has nothing else of ours. */
async function emitAnchor() {
  const entry = join(ROOT, 'anchor', 'main.ts');
  if (!existsSync(entry)) return;
  const { build } = await import('esbuild');
  await build({
    entryPoints: [entry],
    outfile: join(BUILD, 'anchor', 'sekisho-anchor.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
  });
}

function copyData(files) {
  for (const file of files.filter((each) => DATA.test(each) && !each.includes('/testdata/'))) {
    const target = join(BUILD, file.slice(ROOT.length));
    mkdirSync(dirname(target), { recursive: true });
    cpSync(file, target);
  }
}

/** What this build did not write has lost its source. */
function removeOrphans(startedAtMs) {
  for (const file of walk(BUILD)) if (statSync(file).mtimeMs < startedAtMs) rmSync(file);
}

async function emit(print) {
  mkdirSync(BUILD, { recursive: true });
  rmSync(STAMP, { force: true });
  const clock = join(BUILD, '.started');
  writeFileSync(clock, '');
  const startedAtMs = statSync(clock).mtimeMs;
  rmSync(clock);
  const files = sources();
  emitPrograms();
  await emitPage();
  await emitAnchor();
  copyData(files);
  removeOrphans(startedAtMs);
  writeFileSync(STAMP, print);
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return thrown.code === 'EPERM';
  }
}

/** Answers whether we hold the lock now; takes it from a builder that died. */
function takeLock() {
  try {
    writeFileSync(LOCK, String(process.pid), { flag: 'wx' });
    return true;
  } catch (thrown) {
    if (thrown.code !== 'EEXIST') throw thrown;
  }
  const holder = existsSync(LOCK) ? readFileSync(LOCK, 'utf8') : '';
  if (holder !== '' && !isAlive(Number(holder))) rmSync(LOCK, { force: true });
  return false;
}

/** Builds when needed and answers whether it did. Of several at once, one builds and the others wait for it. */
export async function build() {
  if (isBuilt(fingerprint(sources()))) return false;
  while (!takeLock()) await wait(LOCK_POLL_MS);
  try {
    const print = fingerprint(sources());
    if (isBuilt(print)) return false;
    await emit(print);
    return true;
  } finally {
    rmSync(LOCK, { force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build();
