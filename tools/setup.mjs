/**
 * `node tools/setup.mjs --for start|test`: makes a fresh machine able to run Sekisho, or says what it lacks.
 *
 * Installs Debian packages when it may, npm packages, and native modules compiled from source for this very Node, so
 * that nothing is downloaded from anywhere but Debian and the npm registry. Speaks on standard error only, because
 * standard output belongs to the program that starts afterwards; says nothing when there is nothing to do.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUILD_PACKAGES, NODE_HEADERS_PACKAGE, RUNTIME_PACKAGES, TEST_PACKAGES } from './debian-packages.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const LOCKFILE = join(ROOT, 'package-lock.json');
const MODULES = join(ROOT, 'node_modules');
const INSTALLED_LOCKFILE = join(MODULES, '.package-lock.json');
const STAMP = join(MODULES, '.sekisho-setup');
const OLDEST_NODE = [20, 19];
const SQLITE_BINARY = join(MODULES, 'better-sqlite3', 'build', 'Release', 'better_sqlite3.node');
/** As seen from a module's build folder. */
const CXX_FLAGS = '-include ../../../tools/object-wrap.h';
/** better-sqlite3 opens its binary with the first database only. */
const LOAD_NATIVE_MODULES = `new (require('better-sqlite3'))(':memory:').close(); require('smartcard'); require('sd-notify')`;
/** The only one that would download a binary; serialport and node-hid ship theirs inside their packages. */
const BUILT_FROM_SOURCE = 'better-sqlite3';

const say = (text) => process.stderr.write(`${text}\n`);

function stop(text) {
  say(text);
  process.exit(1);
}

/** Runs with its standard output on our standard error; answers whether it succeeded. */
function run(command, words, { folder = ROOT, variables = {} }) {
  const { status } = spawnSync(command, words, {
    cwd: folder,
    env: { ...process.env, ...variables },
    stdio: ['ignore', 2, 2],
  });
  return status === 0;
}

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  stop(
    `Sekisho needs Node ${OLDEST_NODE.join('.')} or newer; this is ${process.versions.node} (${process.execPath}).`,
  );
}

/** The prefix under which node-gyp finds the headers of this very Node, when they are on this machine. */
function headersPrefix() {
  const prefix = dirname(dirname(realpathSync(process.execPath)));
  const version = join(prefix, 'include', 'node', 'node_version.h');
  if (!existsSync(version)) return undefined;
  const major = /^#define NODE_MAJOR_VERSION (\d+)$/m.exec(readFileSync(version, 'utf8'))?.[1];
  return major === process.versions.node.split('.')[0] ? prefix : undefined;
}

function isDebiansNode() {
  return ['/usr/bin/node', '/usr/bin/nodejs'].includes(realpathSync(process.execPath));
}

function buildPackages() {
  const headersAreMissing = isDebiansNode() && headersPrefix() === undefined;
  return headersAreMissing ? [...BUILD_PACKAGES, NODE_HEADERS_PACKAGE] : BUILD_PACKAGES;
}

/** Which of these are not installed; all of them on a machine without dpkg, because there nobody can tell. */
function missingPackages(names) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholders are dpkg's
  const { stdout } = spawnSync('dpkg-query', ['-W', '-f=${Package} ${db:Status-Status}\n', ...names], {
    encoding: 'utf8',
  });
  const installed = new Set((stdout ?? '').split('\n'));
  return names.filter((name) => !installed.has(`${name} installed`));
}

function mayInstallPackages() {
  return process.getuid?.() === 0 && existsSync('/usr/bin/apt-get') && existsSync('/usr/bin/dpkg-query');
}

/** Answers whether all of them are there afterwards. */
function installPackages(names) {
  say(`Installing Debian packages: ${names.join(' ')}`);
  const variables = { DEBIAN_FRONTEND: 'noninteractive' };
  const patience = ['-q', '-o', 'DPkg::Lock::Timeout=300'];
  // A failed update of one source of many is no reason to stop: the installation is what counts.
  run('apt-get', [...patience, 'update'], { variables });
  return run('apt-get', [...patience, 'install', '-y', '--no-install-recommends', ...names], { variables });
}

const installLine = (names) => `  sudo apt-get install -y --no-install-recommends ${names.join(' ')}`;

/** Answers which packages are still missing. */
function providePackages(wanted) {
  const names = [...new Set(wanted)];
  const missing = missingPackages(names);
  if (missing.length === 0 || !mayInstallPackages()) return missing;
  return installPackages(missing) ? [] : missingPackages(missing);
}

function lockfileHash() {
  return createHash('sha256').update(readFileSync(LOCKFILE)).digest('hex');
}

/** What node_modules was last seen to work with. */
function stampText() {
  const { node, modules } = process.versions;
  return `node ${node}, ABI ${modules}, ${process.arch}\nlock ${lockfileHash()}\n`;
}

const readStamp = () => (existsSync(STAMP) ? readFileSync(STAMP, 'utf8') : '');

function isInstalled() {
  if (!existsSync(INSTALLED_LOCKFILE)) return false;
  if (readStamp().includes(`lock ${lockfileHash()}`)) return true;
  return statSync(INSTALLED_LOCKFILE).mtimeMs >= statSync(LOCKFILE).mtimeMs;
}

/** Whether they are there, are made for this Node, and survive the garbage collector (see object-wrap.h). */
function nativeModulesWork() {
  const { status } = spawnSync(process.execPath, ['-e', LOAD_NATIVE_MODULES], { cwd: ROOT, stdio: 'ignore' });
  return status === 0 && !readFileSync(SQLITE_BINARY).includes('RemoveEnvironmentCleanupHook');
}

/** npm itself with this Node, also when another Node's npm stands first in PATH. */
function npm(folder, ...words) {
  const variables = { npm_config_build_from_source: BUILT_FROM_SOURCE, JOBS: 'max', CXXFLAGS: CXX_FLAGS };
  const prefix = headersPrefix();
  if (prefix !== undefined) variables.npm_config_nodedir = prefix;
  const program = process.env.npm_execpath;
  if (program?.endsWith('.js')) return run(process.execPath, [program, ...words], { folder, variables });
  return run('npm', words, { folder, variables });
}

const install = (folder) => npm(folder, 'ci', '--include=dev', '--loglevel=error');

/** node-gyp cannot compile in a path with a space; what it compiled elsewhere can be moved there. */
function installByWayOf(folder) {
  for (const name of ['package.json', 'package-lock.json', '.npmrc', 'tools/object-wrap.h']) {
    cpSync(join(ROOT, name), join(folder, name));
  }
  const isGood = install(folder);
  if (isGood) {
    rmSync(MODULES, { recursive: true, force: true });
    cpSync(join(folder, 'node_modules'), MODULES, { recursive: true, verbatimSymlinks: true });
  }
  rmSync(folder, { recursive: true });
  return isGood;
}

function provideModules() {
  const mayCompileHere = !/\s/.test(ROOT);
  if (!isInstalled() || !mayCompileHere) {
    say('Installing npm packages and compiling the native ones (about three minutes) …');
    const isGood = mayCompileHere
      ? install(ROOT)
      : installByWayOf(mkdtempSync(join(tmpdir(), 'sekisho-setup-')));
    if (!isGood) stop('npm ci failed; see above.');
  }
  if (nativeModulesWork()) return;
  say(`Compiling the native modules for Node ${process.versions.node} …`);
  npm(ROOT, 'rebuild', '--loglevel=error', 'better-sqlite3', 'smartcard', 'sd-notify');
  if (!nativeModulesWork())
    stop('better-sqlite3, smartcard or sd-notify does not work in this Node; see above.');
}

function setUp(purpose) {
  requireNode();
  const isStamped = readStamp() === stampText();
  const mustCompile = !isStamped && !(isInstalled() && nativeModulesWork());
  const missing = providePackages([
    ...(mustCompile ? buildPackages() : []),
    ...RUNTIME_PACKAGES,
    ...(purpose === 'test' ? TEST_PACKAGES : []),
  ]);
  if (missing.length > 0) {
    say(`These Debian packages are missing here. Install them with\n\n${installLine(missing)}\n`);
    const mayGoOn = missing.every((name) => RUNTIME_PACKAGES.includes(name));
    if (purpose === 'test' || !mayGoOn) stop('and run this again; as root it installs them itself.');
    say('Until then the simulated cards live in process, without pcscd.');
  }
  if (mustCompile) provideModules();
  if (!isStamped) writeFileSync(STAMP, stampText());
}

const [flag, purpose] = process.argv.slice(2);
if (flag !== '--for' || !['start', 'test'].includes(purpose))
  stop('usage: node tools/setup.mjs --for start|test');
setUp(purpose);
