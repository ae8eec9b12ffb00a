import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const UNITS = fileURLToPath(new URL('../systemd/', import.meta.url));

test('systemd makes the users that the units name, in a root of its own', () => {
  const root = mkdtempSync(join(tmpdir(), 'sekisho-root-'));
  try {
    mkdirSync(join(root, 'etc'));
    const conf = fileURLToPath(new URL('./sekisho.conf', import.meta.url));
    execFileSync('systemd-sysusers', [`--root=${root}`, conf]);
    const users = readFileSync(join(root, 'etc/passwd'), 'utf8')
      .split('\n')
      .map((line) => line.split(':')[0]);
    for (const unit of ['sekisho-gateway', 'sekisho-broker']) {
      const [, user] = /^User=(.+)$/m.exec(readFileSync(join(UNITS, `${unit}.service`), 'utf8')) ?? [];
      expect(users).toContain(user);
    }
  } finally {
    rmSync(root, { recursive: true });
  }
});
