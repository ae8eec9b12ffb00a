/** What the commands of this folder have in common: exit codes, and how they tell a person what to do next. */
import { writeFileSync } from 'node:fs';
import { type Advice, errorLines } from '#appliance/error-lines.ts';
import { type ErrorCode, SekishoError } from '#contract/errors.ts';

/** An error of the table together with the next step at this very command line. */
export class CommandProblem extends Error {
  override readonly name = 'CommandProblem';
  readonly error: SekishoError;
  readonly advice: Advice;

  constructor(code: ErrorCode, advice: Advice, cause?: unknown) {
    const error = new SekishoError(code, { cause });
    super(error.message);
    this.error = error;
    this.advice = advice;
  }
}

/** The command was written wrongly. */
export class UsageProblem extends Error {
  override readonly name = 'UsageProblem';
}

/** sysexits.h has 64 for this; 2 is what shells and most tools use. */
const EXIT_USAGE = 2;

/** Runs a command with the words of its command line; sets the exit code and prints problems to standard error. */
export async function runCommand(
  usage: string,
  work: (words: readonly string[]) => Promise<number>,
): Promise<void> {
  const words = process.argv.slice(2);
  // `npm run x -- --y` and `node x.js -- --y` mean the same.
  while (words[0] === '--') words.shift();
  try {
    process.exitCode = await work(words);
  } catch (thrown) {
    const wrongWords = usageProblemOf(thrown);
    const lines =
      wrongWords === undefined
        ? describe(thrown)
        : [`コマンドの書き方が違います / wrong words: ${wrongWords}`, usage];
    process.stderr.write(`${lines.join('\n')}\n`);
    process.exitCode = wrongWords === undefined ? 1 : EXIT_USAGE;
  }
}

/** `parseArgs` throws TypeErrors that say which word is wrong. */
function usageProblemOf(thrown: unknown): string | undefined {
  if (thrown instanceof UsageProblem) return thrown.message;
  const isParsing =
    thrown instanceof TypeError && 'code' in thrown && String(thrown.code).startsWith('ERR_PARSE_ARGS');
  return isParsing ? thrown.message : undefined;
}

function describe(thrown: unknown): string[] {
  return thrown instanceof CommandProblem ? errorLines(thrown.error, thrown.advice) : errorLines(thrown);
}

/** For its owner alone. Throws `CommandProblem` when it cannot be written. */
export function writeResult(file: string, text: string): void {
  try {
    writeFileSync(file, text, { mode: 0o600 });
  } catch (cause) {
    throw unwritable(file, cause);
  }
}

export function unwritable(file: string, cause: unknown): CommandProblem {
  const advice = {
    ja: `${file} に書き込めません。書き込めるフォルダーの中のファイル名を指定してください。`,
    en: `${file} cannot be written. Name a file in a folder that you may write to.`,
  };
  return new CommandProblem('request.invalid', advice, cause);
}

/** One of the words that an option takes. Throws `UsageProblem`. */
export function oneOf<Word extends string>(option: string, words: readonly Word[], given: string): Word {
  const found = words.find((word) => word === given);
  if (found === undefined) throw new UsageProblem(`${option} ${given}: one of ${words.join('|')}`);
  return found;
}

/** `least` 0 where the system may choose a free one. Throws `UsageProblem`. */
export function portOf(option: string, given: string, least: 0 | 1): number {
  const port = Number(given);
  if (!/^\d+$/.test(given) || port < least || port > 65_535) {
    throw new UsageProblem(`${option} ${given}: ${least} to 65535`);
  }
  return port;
}
