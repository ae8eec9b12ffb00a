/** The enclosure switch on a GPIO line, through Debian's `gpiod` (libgpiod 1 of bookworm, 2 of trixie). */
import { execFile, spawn } from 'node:child_process';
import type { TamperSwitch } from '#ports/surroundings.ts';
import { LevelTamperSwitch } from './tamper-level.ts';

export interface GpioTamperOptions {
  /** `gpiochip0` */
  readonly chip: string;
  readonly line: number;
  /** Level while the enclosure is closed. */
  readonly closedLevel: 0 | 1;
}

/** A line has one reader at a time: the level is read between two waits, so a missed edge is noticed within this time. */
const WAIT_MS = 1_000;

function run(command: string, words: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, words, { timeout: WAIT_MS }, (error, stdout) =>
      error === null ? resolve(stdout) : reject(error),
    );
  });
}

/** libgpiod 2 names the chip by an option. */
async function lineWords({ chip, line }: GpioTamperOptions): Promise<readonly string[]> {
  const version = await run('gpioget', ['--version']);
  return /\bv1\./.test(version) ? [chip, String(line)] : ['--chip', chip, String(line)];
}

export function gpioTamperSwitch(options: GpioTamperOptions): TamperSwitch {
  let words: Promise<readonly string[]> | undefined;
  const line = (): Promise<readonly string[]> => {
    words ??= lineWords(options).catch((thrown: unknown) => {
      words = undefined;
      throw thrown;
    });
    return words;
  };
  return new LevelTamperSwitch({
    async read() {
      const named = await line();
      const isNew = named[0] === '--chip';
      return run('gpioget', isNew ? ['--numeric', ...named] : named);
    },
    closedText: String(options.closedLevel),
    wait: async (signal) => waitForEdge(await line().catch(() => []), signal),
  });
}

function waitForEdge(line: readonly string[], signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn('gpiomon', ['--num-events=1', ...line], { stdio: 'ignore' });
    let isRunning = child.pid !== undefined;
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      resolve();
    };
    // Gone before the line is read: it has one reader at a time.
    const stop = (): void => {
      if (!isRunning) finish();
      else child.once('exit', finish).kill('SIGKILL');
    };
    const timer = setTimeout(stop, WAIT_MS);
    signal.addEventListener('abort', stop, { once: true });
    // Without gpiomon there is still the level, once a second.
    child.once('error', () => {});
    child.once('exit', (code) => {
      isRunning = false;
      if (code === 0) finish();
    });
  });
}
