import { execFile } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'sekisho-install-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The installer beside which nothing is built: whatever it is told, it installs nothing on the machine that tests. */
const installer = placeIn('not-built');
/** Of Linux: `nobody`, who could install nothing either. */
const NOBODY = 65_534;

type Ended = { code: number; stdout: string; stderr: string };

function placeIn(name: string): string {
  mkdirSync(join(folder, name, 'provisioning'), { recursive: true });
  const copy = join(folder, name, 'provisioning', 'install.mjs');
  copyFileSync(fileURLToPath(new URL('install.mjs', import.meta.url)), copy);
  return copy;
}

function run(program: string, words: readonly string[], who: { uid?: number } = {}): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...words], who, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

const install = (...words: string[]): Promise<Ended> => run(installer, words);

it.each(['--help', '-h'])('%s says what it would do, and does nothing', async (word) => {
  const { code, stdout, stderr } = await install(word);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^sudo node provisioning\/install\.mjs\n\n {2}この機器に/);
  expect(stdout).toContain('Installs the appliance');
});

it('takes no other word: nobody installs by asking wrongly', async () => {
  const { code, stdout, stderr } = await install('--dry-run');
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(/^コマンドの書き方が違います \/ wrong words: --dry-run\nsudo node /);
});

it('says how to build what is not built', async () => {
  const { code, stdout, stderr } = await install();
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain('node tools/build.mjs');
});

it('is for root: nobody else is left with half of it', async () => {
  const built = placeIn('built');
  mkdirSync(join(folder, 'built', 'build', 'appliance'), { recursive: true });
  writeFileSync(join(folder, 'built', 'build', 'appliance', 'main.js'), '');
  chmodSync(folder, 0o755);
  const { code, stdout, stderr } = await run(built, [], process.getuid?.() === 0 ? { uid: NOBODY } : {});
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toBe('管理者の権限が要ります / needs root: sudo node provisioning/install.mjs\n');
});
