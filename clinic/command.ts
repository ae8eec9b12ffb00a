/** What the commands of this folder have in common: exit codes, and how they tell a person what to do next. */
import { ERRORS, type ErrorCode, SekishoError, toSekishoError } from '#contract/errors.ts';

export interface Advice {
  readonly ja: string;
  readonly en: string;
}

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
    const lines = wrongWords === undefined ? describe(thrown) : [wrongWords, usage];
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
  const isAdvised = thrown instanceof CommandProblem;
  const error = isAdvised ? thrown.error : toSekishoError(thrown);
  const { ja, en } = ERRORS[error.code];
  const advice = isAdvised ? thrown.advice : { ja: ja.next, en: en.next };
  const lines = [`${ja.title}${advice.ja}`, `${en.title} ${advice.en} [${error.code}]`];
  // A bug is for a developer: the stack tells where.
  if (error.code === 'internal.bug' && error.cause instanceof Error) lines.push(error.cause.stack ?? '');
  return lines;
}
