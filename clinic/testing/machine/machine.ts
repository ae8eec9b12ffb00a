/**
 * A machine with a systemd of its own, beside the one that the test runs on: it sees the same files, and keeps what it
 * writes for itself. Nothing of it is left when it is stopped, or when the test is killed. Needs root.
 */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('./machine.sh', import.meta.url));
const LOOK_EVERY_MS = 50;
/** Far more than any of it takes. */
const PATIENCE_MS = 40_000;

export interface Ended {
  readonly code: number;
  readonly output: string;
}

/** Why this kernel, or whatever contains us, cannot have such a machine; undefined when it can. */
export function whyNoMachine(): string | undefined {
  if (process.getuid?.() !== 0) return 'not root';
  const tried = spawnSync('sh', [SCRIPT, 'try'], { encoding: 'utf8' });
  return tried.status === 0 ? undefined : `${tried.error?.message ?? tried.stderr}`.trim();
}

export class Machine {
  /** In the machine it is `/outside`. */
  readonly folder: string;
  readonly #keeper: ChildProcess;
  #said = '';

  private constructor(folder: string, keeper: ChildProcess) {
    this.folder = folder;
    this.#keeper = keeper;
    keeper.stderr?.on('data', (text: Buffer) => {
      this.#said += text.toString();
    });
  }

  /** Resolves when systemd has nothing left to start. `shows`: path inside to a file or folder outside. */
  static async boot(shows: Readonly<Record<string, string>>): Promise<Machine> {
    sweep();
    const folder = mkdtempSync(join(tmpdir(), 'sekisho-machine-'));
    const root = mkdtempSync(join(tmpdir(), 'sekisho-machine-root-'));
    const pairs = Object.entries({ ...shows, '/outside': folder }).flatMap(([inside, outside]) => [
      outside,
      inside,
    ]);
    const keeper = spawn('sh', [SCRIPT, 'keep', root, ...pairs], { stdio: ['ignore', 'ignore', 'pipe'] });
    const machine = new Machine(folder, keeper);
    try {
      await machine.until(
        'it is up',
        async () => (await machine.run('systemctl', 'is-active', 'machine.target')).code === 0,
      );
    } catch (thrown) {
      await machine.stop();
      throw thrown;
    } finally {
      // Its mounts are seen by the machine alone.
      rmdirSync(root);
    }
    return machine;
  }

  /** Runs a command inside, as root. */
  run(...words: readonly string[]): Promise<Ended> {
    return new Promise((resolve) => {
      execFile('nsenter', ['--target', String(this.#init()), '--all', ...words], (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? 1), output: `${stdout}${stderr}`.trim() });
      });
    });
  }

  /** The same for one that must succeed; answers its output. */
  async must(...words: readonly string[]): Promise<string> {
    const { code, output } = await this.run(...words);
    if (code === 0) return output;
    throw new Error(`${words.join(' ')} ended with ${code}\n${output}\n${this.#said}`);
  }

  /** Writes a file inside, of root's unless told otherwise. */
  async put(file: string, content: string, { mode = '644', group = 'root' } = {}): Promise<void> {
    const draft = join(this.folder, 'draft');
    writeFileSync(draft, content);
    await this.must('install', '-D', `--mode=${mode}`, `--group=${group}`, '/outside/draft', file);
  }

  /** @see systemctl(1) show */
  property(unit: string, name: string): Promise<string> {
    return this.must('systemctl', 'show', '--property', name, '--value', unit);
  }

  /** What a unit wrote, and what systemd said of it. */
  journal(unit: string): Promise<string> {
    return this.must('journalctl', '--no-pager', '--output=cat', `--unit=${unit}`);
  }

  async until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    for (const endMs = performance.now() + PATIENCE_MS; !(await isSo()); await sleep(LOOK_EVERY_MS)) {
      if (this.#keeper.exitCode !== null) throw new Error(`the machine ended\n${this.#said}`);
      if (performance.now() > endMs) {
        const { output } = await this.run(
          'journalctl',
          '--no-pager',
          '--output=short-monotonic',
          '--lines=60',
        );
        throw new Error(`not so within ${PATIENCE_MS} ms: ${what}\n${output}`);
      }
    }
  }

  async stop(): Promise<void> {
    if (this.#keeper.exitCode === null && this.#keeper.signalCode === null) {
      const gone = once(this.#keeper, 'exit');
      this.#keeper.kill('SIGKILL');
      await gone;
    }
    rmSync(this.folder, { recursive: true });
    sweep();
  }

  /** Process 1 of the machine, as it is called outside; 0 while there is none. */
  #init(): number {
    const { pid } = this.#keeper;
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ');
    return Number(child);
  }
}

/** Removes the control groups of machines that are no more. */
function sweep(): void {
  spawnSync('sh', [SCRIPT, 'sweep'], { stdio: 'inherit' });
}
