/** Two network namespaces with a cable between: the box, and the clinic with its anchor. Tests only; needs root. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { WatchProgramOptions } from './watch-program.ts';

export const BOX_DEVICE = 'box0';
const BOX_MAC = '02:5e:00:00:00:05';
const CLINIC_MAC = '02:5e:00:00:00:01';
export const ANCHOR_HOST = '10.77.0.1';
export const ANCHOR_PORT = 26_460;

export const ip = (...words: readonly string[]): string =>
  execFileSync('ip', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** Names of this run, so that two runs at once do not meet. */
const RUN = `${process.pid}`;
const cleanUps: (() => void)[] = [];

export function cleanUpLab(): void {
  for (const cleanUp of cleanUps.splice(0).reverse()) cleanUp();
}

export function labFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-lab-'));
  cleanUps.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function addNamespace(name: string): string {
  const namespace = `sekisho-${name}-${RUN}`;
  try {
    ip('netns', 'add', namespace);
  } catch (cause) {
    throw new Error(
      'This test makes network namespaces: run it as root (or in a container with CAP_NET_ADMIN and CAP_SYS_ADMIN).',
      { cause },
    );
  }
  cleanUps.push(() => ip('netns', 'del', namespace));
  ip('-n', namespace, 'link', 'set', 'lo', 'up');
  return namespace;
}

export interface Lab {
  readonly box: string;
  readonly clinic: string;
  /** The clinic's end of the cable. */
  readonly clinicDevice: string;
}

/** The cable is plugged in at both ends, with fixed addresses and MACs: a clone of it is the same to the last byte. */
export function openLab(name: string): Lab {
  const box = addNamespace(`${name}-box`);
  const clinic = addNamespace(`${name}-clinic`);
  // An index of its own: with the peer's, the kernel would hold back that the carrier is lost.
  ip(
    '-n',
    box,
    'link',
    'add',
    'name',
    BOX_DEVICE,
    'index',
    '77',
    'type',
    'veth',
    'peer',
    'name',
    'clinic0',
    'netns',
    clinic,
  );
  ip('-n', box, 'link', 'set', BOX_DEVICE, 'address', BOX_MAC);
  ip('-n', clinic, 'link', 'set', 'clinic0', 'address', CLINIC_MAC);
  ip('-n', box, 'addr', 'add', '10.77.0.5/24', 'dev', BOX_DEVICE);
  ip('-n', clinic, 'addr', 'add', `${ANCHOR_HOST}/24`, 'dev', 'clinic0');
  ip('-n', clinic, 'addr', 'add', '10.77.0.254/24', 'dev', 'clinic0');
  ip('-n', box, 'link', 'set', BOX_DEVICE, 'up');
  ip('-n', clinic, 'link', 'set', 'clinic0', 'up');
  ip('-n', box, 'route', 'add', 'default', 'via', '10.77.0.254');
  return { box, clinic, clinicDevice: 'clinic0' };
}

export interface Cable {
  /** The box's end, in the namespace of this process. */
  readonly device: string;
  /** The namespace of the clinic, with everything that is not the box. */
  readonly clinic: string;
  readonly anchorHost: string;
  set(state: 'up' | 'down'): void;
}

/** From this machine, which is the box, to a clinic of its own. Addresses are of those for benchmarks (RFC 2544). */
export function openCable(): Cable {
  const clinic = addNamespace('cable');
  const device = `sekisho${RUN}`.slice(0, 15);
  const network = `198.18.${process.pid & 0xff}`;
  const [near, far] = [
    ['dev', device],
    ['dev', 'clinic0'],
  ] as const;
  ip('link', 'add', 'name', device, 'type', 'veth', 'peer', 'name', 'clinic0', 'netns', clinic);
  ip('addr', 'add', `${network}.5/24`, ...near);
  ip('-n', clinic, 'addr', 'add', `${network}.1/24`, ...far);
  ip('link', 'set', ...near, 'up');
  ip('-n', clinic, 'link', 'set', ...far, 'up');
  return {
    device,
    clinic,
    anchorHost: `${network}.1`,
    set: (state) => void ip('-n', clinic, 'link', 'set', ...far, state),
  };
}

export interface Told {
  readonly event: string;
  readonly atNs: string;
  readonly reason?: string;
  readonly fact?: string;
  readonly [count: string]: unknown;
}

export interface Program {
  readonly child: ChildProcess;
  readonly told: readonly Told[];
  /** The next object that fits, after the last that was asked for. */
  next(fits: (told: Told) => boolean, timeoutMs?: number): Promise<Told>;
  /** What was told so far is old. */
  skip(): void;
  stop(): Promise<void>;
}

export function runIn(namespace: string, ...words: readonly string[]): Program {
  const child = spawn('ip', ['netns', 'exec', namespace, process.execPath, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  cleanUps.push(() => child.kill('SIGKILL'));
  const told: Told[] = [];
  let heard = 0;
  let wake = (): void => {};
  const hear = (line: string): void => {
    if (line.startsWith('{')) told.push(JSON.parse(line) as Told);
    else process.stderr.write(`${line}\n`);
    wake();
  };
  createInterface({ input: child.stdout }).on('line', hear);
  createInterface({ input: child.stderr }).on('line', hear);
  return {
    child,
    told,
    async next(fits, timeoutMs = 30_000) {
      const untilMs = performance.now() + timeoutMs;
      for (;;) {
        const object = told[heard];
        if (object !== undefined) heard += 1;
        if (object !== undefined && fits(object)) return object;
        if (performance.now() > untilMs) {
          throw new Error(`not told within ${timeoutMs} ms; told last: ${JSON.stringify(told.slice(-5))}`);
        }
        if (object === undefined) await waitFor((resolve) => (wake = resolve), untilMs);
      }
    },
    skip() {
      heard = told.length;
    },
    stop: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) resolve();
        else child.once('exit', () => resolve()).kill('SIGTERM');
      }),
  };
}

function waitFor(subscribe: (resolve: () => void) => void, untilMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, Math.max(1, untilMs - performance.now()));
    subscribe(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** One file that Node runs without the project's loader. */
export async function bundle(source: URL, folder: string): Promise<string> {
  const outfile = join(folder, `${source.pathname.split('/').at(-1)}.mjs`);
  await build({
    entryPoints: [fileURLToPath(source)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
  });
  return outfile;
}

export const watchIn = (namespace: string, program: string, options: WatchProgramOptions): Program =>
  runIn(namespace, program, JSON.stringify(options));

export const isLease = ({ fact }: Told): boolean => fact === 'registered';
export const isLoss = ({ event }: Told): boolean => event === 'lost';

/** Milliseconds between two moments of CLOCK_MONOTONIC. */
export const msBetween = (fromNs: bigint, to: Told): number => Number(BigInt(to.atNs) - fromNs) / 1e6;

export function quantiles(valuesMs: readonly number[]): string {
  const sorted = [...valuesMs].sort((a, b) => a - b);
  const at = (share: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN).toFixed(1);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, worst ${at(1)} ms of ${sorted.length}`;
}
