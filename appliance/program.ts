/** How a program of ours begins: one configuration file as its only word, and an end that says what was wrong. */
import { isSekishoError } from '#contract/errors.ts';
import { errorLines } from './error-lines.ts';

/** The configuration is wrong; the units do not start such a program again. @see sysexits.h */
const EX_CONFIG = 78;

/** Runs `main CONFIG`. What fails on the way ends the process at once: half of a program is none. */
export function runProgram(run: (configPath: string) => Promise<void>): void {
  const [configPath] = process.argv.slice(2);
  if (configPath === undefined) {
    process.stderr.write('usage: main CONFIG\n');
    process.exitCode = EX_CONFIG;
    return;
  }
  run(configPath).catch((thrown: unknown) => process.exit(explain(thrown)));
}

/** Writes what is wrong; answers the exit code. */
function explain(thrown: unknown): number {
  process.stderr.write(`${errorLines(thrown).join('\n')}\n`);
  return isSekishoError(thrown, 'config.invalid') ? EX_CONFIG : 1;
}
