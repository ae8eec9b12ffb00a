/**
 * `sudo node provisioning/install.mjs`: puts the built programs, and what Debian must know of them, where the units expect
 * them. Can be run again: programs are replaced as a whole, configuration and state are never touched.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('..', import.meta.url));
const PROGRAMS = '/usr/lib/sekisho';
/** What the two programs consist of; centre, clinic and tools stay behind, and so do the simulators. */
const BUILT_FOLDERS = ['appliance', 'drivers', 'ui'];
const SIMULATORS = join(SOURCE, 'build', 'drivers', 'simulated');
/** From a folder of the project, by the end of the name, to a folder of Debian. */
const FOR_DEBIAN = [
  ['provisioning/systemd', /\.(service|socket)$/, '/etc/systemd/system'],
  ['provisioning/sysusers', /\.conf$/, '/etc/sysusers.d'],
  ['provisioning/polkit', /\.rules$/, '/etc/polkit-1/rules.d'],
  ['provisioning/modules-load', /\.conf$/, '/etc/modules-load.d'],
  ['provisioning/udev', /\.rules$/, '/etc/udev/rules.d'],
  ['docs', /\.md$/, '/usr/share/doc/sekisho'],
];
const CONFIGURATION = '/etc/sekisho';

const USAGE = `sudo node provisioning/install.mjs

  この機器に装置のプログラムをインストールします。やり直しても、設定と記録はそのまま残ります。
  Installs the appliance's programs on this machine. Run it again after each update; configuration and records stay.

  プログラム / programs    ${PROGRAMS}
  設定 / configuration     ${CONFIGURATION}

先にビルドします / build first: node tools/setup.mjs --for start && node tools/build.mjs
終了コード: 0 済み、1 できなかった、2 書き方の誤り
Exit code: 0 done, 1 it could not be done, 2 wrongly written.
`;

/** Folders of the packages that run in the field, as the lock file tells them from those of development. */
function fieldPackages() {
  const { packages } = JSON.parse(readFileSync(join(SOURCE, 'package-lock.json'), 'utf8'));
  return Object.entries(packages)
    .filter(([folder, { dev }]) => folder !== '' && dev !== true && existsSync(join(SOURCE, folder)))
    .map(([folder]) => folder);
}

function installPrograms() {
  const fresh = `${PROGRAMS}.new`;
  const put = (path, options) =>
    cpSync(join(SOURCE, path), join(fresh, path), { recursive: true, ...options });
  rmSync(fresh, { recursive: true, force: true });
  put('package.json');
  for (const folder of BUILT_FOLDERS)
    put(join('build', folder), { filter: (path) => !path.startsWith(SIMULATORS) });
  for (const folder of fieldPackages()) put(folder, { verbatimSymlinks: true });
  // Whatever umask the project was built under: root writes, everybody reads.
  execFileSync('chmod', ['-R', 'u=rwX,go=rX', fresh]);
  rmSync(PROGRAMS, { recursive: true, force: true });
  renameSync(fresh, PROGRAMS);
}

/** Whoever watches a folder, as polkit does, sees a file with all its content and its mode, or none. */
function putWhole(source, target) {
  const draft = `${target}.new`;
  execFileSync('install', ['-D', '-m', '644', source, draft]);
  renameSync(draft, target);
}

function installForDebian() {
  for (const [folder, ending, target] of FOR_DEBIAN) {
    for (const name of readdirSync(join(SOURCE, folder)).filter((each) => ending.test(each)))
      putWhole(join(SOURCE, folder, name), join(target, name));
  }
  mkdirSync(CONFIGURATION, { recursive: true, mode: 0o755 });
  execFileSync('systemd-sysusers');
  if (existsSync('/run/systemd/system')) execFileSync('systemctl', ['daemon-reload']);
  if (existsSync('/run/udev/control')) execFileSync('udevadm', ['control', '--reload']);
}

const [word] = process.argv.slice(2);
if (word === '--help' || word === '-h') {
  process.stdout.write(USAGE);
  process.exit(0);
}
if (word !== undefined) {
  process.stderr.write(`コマンドの書き方が違います / wrong words: ${word}\n${USAGE}`);
  process.exit(2);
}
if (!existsSync(join(SOURCE, 'build', 'appliance', 'main.js'))) {
  process.stderr.write(
    'まだビルドされていません / not built: node tools/setup.mjs --for start && node tools/build.mjs\n',
  );
  process.exit(1);
}
if (process.getuid?.() !== 0) {
  process.stderr.write('管理者の権限が要ります / needs root: sudo node provisioning/install.mjs\n');
  process.exit(1);
}
mkdirSync(dirname(PROGRAMS), { recursive: true });
installPrograms();
installForDebian();
process.stdout.write(
  `インストールしました / installed: ${PROGRAMS}\n設定はここへ / configuration goes to: ${CONFIGURATION}\n`,
);
