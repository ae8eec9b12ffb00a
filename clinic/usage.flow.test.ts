/** How every command is written, asked for or not: in Japanese and English, with what its exit codes mean. */
import { execFile } from 'node:child_process';
import { beforeAll, expect, it } from 'vitest';
import { buildPrograms, ROOT } from './testing/appliance-process.ts';

const PROGRAMS = [
  'clinic/start',
  'clinic/tap',
  'clinic/card',
  'clinic/bench',
  'clinic/evidence',
  'clinic/reader',
  'anchor/main',
  'centre/main',
];
/** A command that takes the word for an order and goes on is killed: its code is none. */
const LONGEST_MS = 60_000;

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(program: string, word: string): Promise<Ended> {
  const words = ['--conditions=built', `build/${program}.js`, word];
  const options = { cwd: ROOT, timeout: LONGEST_MS, killSignal: 'SIGKILL' } as const;
  return new Promise((resolve) => {
    execFile(process.execPath, words, options, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : ((error.code as number | undefined) ?? null), stdout, stderr }),
    );
  });
}

/** Options, Japanese somewhere among them, and the exit codes in both languages. */
const IN_BOTH =
  /\n {2}--\w[\s\S]*[ぁ-ん][\s\S]*\n終了コード: 0 .*、2 書き方の誤り.*\nExit code: 0 .*\b2 .*\n/;

beforeAll(buildPrograms);

it.each(PROGRAMS)('%s --help: on standard output, Japanese first', async (program) => {
  const { code, stdout, stderr } = await run(program, '--help');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(IN_BOTH);
});

it.each(PROGRAMS)('%s --colour: ends with 2 and says the same on standard error', async (program) => {
  const { stdout: usage } = await run(program, '--help');
  const { code, stdout, stderr } = await run(program, '--colour');
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(/^コマンドの書き方が違います \/ wrong words: /);
  expect(stderr.endsWith(usage)).toBe(true);
});
