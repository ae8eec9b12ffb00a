/**
 * `node tools/run.mjs ENTRY.ts [ARGUMENT …]`: builds when needed and runs the entry.
 * Standard output belongs to the entry alone; what this file says goes to standard error.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from './build.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FLAGS = ['--conditions=built', '--enable-source-maps', '--disable-warning=ExperimentalWarning'];
const [entry, ...words] = process.argv.slice(2);
if (entry === undefined) {
  process.stderr.write('usage: node tools/run.mjs ENTRY.ts [ARGUMENT …]\n');
  process.exit(2);
}
await build();
const program = join(ROOT, 'build', entry.replace(/\.ts$/, '.js'));
const child = spawn(process.execPath, [...FLAGS, program, ...words], { stdio: 'inherit' });
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
// Ctrl-C at a terminal reaches the program too, and twice would mean "at once".
process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
child.on('exit', (code, signal) => process.exit(signal === null ? code : 128 + constants.signals[signal]));
