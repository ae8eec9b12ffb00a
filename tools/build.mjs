/**
 * Emits `build/` (one .js per .ts, and the counter page) when a source is newer than the last build.
 * Node 20 strips no types; one way for every Node version is easier to trust than two.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const STAMP = join(ROOT, 'build', '.built');
const SOURCE_FOLDERS = ['appliance', 'drivers', 'centre', 'clinic', 'provisioning', 'ui'];
/** Data that the programs read beside themselves. */
const DATA = /\.(json|jp2|png|sql|html|css|svg)$/;

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
  const configuration = ['package.json', 'tsconfig.json', 'tsconfig.build.json'].map((name) =>
    join(ROOT, name),
  );
  return [...files, ...configuration].map((file) => `${file} ${statSync(file).mtimeMs}`).join('\n');
}

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
    outfile: join(ROOT, 'build', 'ui', 'app.js'),
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    logLevel: 'error',
  });
}

function copyData(files) {
  for (const file of files.filter((each) => DATA.test(each) && !each.includes('/testdata/'))) {
    const target = join(ROOT, 'build', file.slice(ROOT.length));
    mkdirSync(join(target, '..'), { recursive: true });
    cpSync(file, target);
  }
}

/** Builds when needed; answers whether it did. */
export async function build() {
  const files = sources();
  const now = fingerprint(files);
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === now) return false;
  emitPrograms();
  await emitPage();
  copyData(files);
  writeFileSync(STAMP, now);
  return true;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build();
