/** The built appliance as a process of its own, to be killed without warning. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

interface LogEntry {
  readonly event?: string;
  readonly url?: string;
}

/** Builds what `node` runs, unless that is done. */
export function buildPrograms(): void {
  const { status, stderr } = spawnSync(process.execPath, ['tools/build.mjs'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the build failed\n${stderr}`);
}

export class ApplianceProcess {
  readonly url: string;
  /** Everything that it logged, in all its rooms. */
  readonly logLines: readonly string[];
  /** Resolves with its exit code when it has ended. */
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string, logLines: readonly string[]) {
    this.#child = child;
    this.url = url;
    this.logLines = logLines;
    this.ended =
      child.exitCode === null && child.signalCode === null
        ? once(child, 'exit').then(([code]) => code as number | null)
        : Promise.resolve(child.exitCode);
  }

  /** Resolves when it is ready for a patient. */
  static async start(
    configFile: string,
    variables: Readonly<Record<string, string>> = {},
  ): Promise<ApplianceProcess> {
    const program = ['--conditions=built', 'build/appliance/main.js', configFile];
    const env = { ...process.env, ...variables };
    const child = spawn(process.execPath, program, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let problems = '';
    const logLines: string[] = [];
    child.stderr.on('data', (text: Buffer) => {
      problems += text.toString();
    });
    const url = await new Promise<string>((resolve, reject) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        logLines.push(line);
        const entry = JSON.parse(line) as LogEntry;
        if (entry.event === 'appliance.ready' && entry.url !== undefined) resolve(entry.url);
      });
      child.once('exit', (code) => reject(new Error(`the appliance ended (${code})\n${problems}`)));
    });
    return new ApplianceProcess(child, url, logLines);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** SIGSTOP hangs it, SIGCONT lets it go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal);
  }

  /** SIGKILL: what a power cut leaves of a process. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  /** SIGTERM: what systemd says first. */
  terminate(): Promise<void> {
    return this.#end('SIGTERM');
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill(signal);
    await gone;
  }
}
