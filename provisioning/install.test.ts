import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';

/** The installer beside which nothing is built: whatever it is told, it installs nothing on the machine that tests. */
const folder = mkdtempSync(join(tmpdir(), 'sekisho-install-'));
const installer = join(folder, 'provisioning', 'install.mjs');
mkdirSync(join(folder, 'provisioning'));
copyFileSync(fileURLToPath(new URL('install.mjs', import.meta.url)), installer);
afterAll(() => rmSync(folder, { recursive: true }));

function install(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [installer, ...words], (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

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
