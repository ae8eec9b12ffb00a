import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { errorLines } from '#appliance/error-lines.ts';
import { parseConfig } from '#config/load.ts';
import { CommandProblem, oneOf, portOf, UsageProblem, writeResult } from './command.ts';

const folder = mkdtempSync(join(tmpdir(), 'sekisho-command-'));
afterAll(() => rmSync(folder, { recursive: true }));

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (thrown) {
    return thrown;
  }
  throw new Error('nothing was thrown');
}

describe('the words of a command line', () => {
  it('are taken when they are right', () => {
    expect(portOf('--port', '8443', 1)).toBe(8443);
    expect(portOf('--port', '0', 0)).toBe(0);
    expect(oneOf('--mode', ['a', 'b'] as const, 'b')).toBe('b');
  });

  it.each([
    ['8443x', 1],
    ['-1', 0],
    ['0', 1],
    ['65536', 1],
    ['', 0],
    ['1e3', 0],
  ] as const)('port %j is refused by name', (given, least) => {
    expect(thrownBy(() => portOf('--port', given, least))).toEqual(
      new UsageProblem(`--port ${given}: ${least} to 65535`),
    );
  });
});

describe('a result', () => {
  it('belongs to its owner alone', () => {
    const file = join(folder, 'result');
    writeResult(file, 'text');
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('that cannot be written is told with the file, the next step and what the system said', () => {
    const file = join(folder, 'missing', 'result');
    const thrown = thrownBy(() => writeResult(file, 'text'));
    if (!(thrown instanceof CommandProblem)) throw thrown;
    const lines = errorLines(thrown.error, thrown.advice);
    expect(lines[0]).toBe(
      `入力に誤りがあります。${file} に書き込めません。書き込めるフォルダーの中のファイル名を指定してください。`,
    );
    expect(lines[1]).toContain('[request.invalid]');
    expect(lines[2]).toMatch(/^ {2}ENOENT: /);
    expect(existsSync(file)).toBe(false);
  });
});

describe('what a person at a terminal reads', () => {
  it('lists every setting that is wrong', () => {
    const lines = errorLines(thrownBy(() => parseConfig({ colour: 'red', log: { level: 'loud' } })));
    expect(lines[0]).toBe('設定に誤りがあります。示された設定項目をすべて直してください。');
    expect(lines).toContain('  colour: unknown setting');
    expect(lines.some((line) => line.startsWith('  log.level: '))).toBe(true);
  });

  it('of a bug is where it is', () => {
    expect(errorLines(new RangeError('odd')).join('\n')).toMatch(
      /内部エラー[\s\S]*RangeError: odd\n {2} +at /,
    );
  });
});
