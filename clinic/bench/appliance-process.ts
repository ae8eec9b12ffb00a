/** One appliance as a process of its own, so that what is measured is the appliance and no simulator. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../appliance/main.js', import.meta.url));
/** The memory limits are those of the appliance everywhere. @see docs/decisions/README.md, row 9 */
const MEMORY_FLAGS = ['--max-semi-space-size=2', '--max-old-space-size=64'];
const NODE_FLAGS = ['--conditions=built', '--disable-warning=ExperimentalWarning', ...MEMORY_FLAGS];
/** USER_HZ of Linux, on every architecture. @see proc(5) */
const CLOCK_TICK_MS = 10;
const KIB_PER_MB = 1000_000 / 1024;

export class ApplianceProcess {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  /** Resolves when it is ready for its first patient. */
  static async start(configFile: string): Promise<ApplianceProcess> {
    const child = spawn(process.execPath, [...NODE_FLAGS, PROGRAM, configFile], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: child.stdout });
    const ready = new Promise<string>((resolve, reject) => {
      lines.on('line', (line) => {
        const entry = JSON.parse(line) as { readonly event?: string; readonly url?: string };
        if (entry.event === 'appliance.ready' && entry.url !== undefined) resolve(entry.url);
      });
      child.once('exit', (code) => reject(new Error(`the appliance ended (${code})`)));
    });
    return new ApplianceProcess(child, await ready);
  }

  /** Time on the processor so far, of the appliance itself and of the processes that hold its two readers. */
  cpuMs(): { readonly own: number; readonly hosts: number } {
    const hosts = childrenOf(this.#pid).reduce((total, pid) => total + cpuMs(pid), 0);
    return { own: cpuMs(this.#pid), hosts };
  }

  /** Resident memory of the appliance itself, in MB. */
  residentMb(): number {
    return residentMb(this.#pid);
  }

  /** Resident memory of the reader's holders. Shared pages count in each. */
  hostsResidentMb(): number {
    return childrenOf(this.#pid).reduce((total, pid) => total + residentMb(pid), 0);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await ended;
  }

  get #pid(): number {
    return this.#child.pid ?? 0;
  }
}

function childrenOf(pid: number): number[] {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
}

/** utime and stime, fields 14 and 15; the name before them may hold anything but ends with the last ")". */
function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * CLOCK_TICK_MS;
}

function residentMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / KIB_PER_MB;
}
