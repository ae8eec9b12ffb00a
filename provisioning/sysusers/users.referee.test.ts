import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const UNITS = fileURLToPath(new URL('../systemd/', import.meta.url));
const RULES = fileURLToPath(new URL('../udev/', import.meta.url));

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'sekisho-root-'));
  mkdirSync(join(root, 'etc'));
  const conf = fileURLToPath(new URL('./sekisho.conf', import.meta.url));
  execFileSync('systemd-sysusers', [`--root=${root}`, conf]);
});
afterAll(() => rmSync(root, { recursive: true }));

const namesIn = (file: string): (string | undefined)[] =>
  readFileSync(join(root, 'etc', file), 'utf8')
    .split('\n')
    .map((line) => line.split(':')[0]);

test('systemd makes the users that the units name, in a root of its own', () => {
  for (const unit of ['sekisho-gateway', 'sekisho-broker']) {
    const [, user] = /^User=(.+)$/m.exec(readFileSync(join(UNITS, `${unit}.service`), 'utf8')) ?? [];
    expect(namesIn('passwd')).toContain(user);
  }
});

test('udev gives readers and keypads to the gateway, and to the broker the port of the SAM alone', () => {
  const rules = readdirSync(RULES).map((file) => readFileSync(join(RULES, file), 'utf8'));
  const given = rules.flatMap((text) =>
    [...text.matchAll(/chgrp (\S+) \/sys%p\/([^"]+)"|GROUP="([^"]+)"/g)].map(([, group, what, byRule]) =>
      byRule === undefined ? `${group}: ${what}` : `${byRule}: device`,
    ),
  );
  expect(given.toSorted()).toEqual([
    'sekisho-broker: port/disable',
    'sekisho-gateway: authorized',
    'sekisho-gateway: device',
    'sekisho-gateway: inhibited',
  ]);
  expect(namesIn('group')).toEqual(expect.arrayContaining(['sekisho-gateway', 'sekisho-broker']));
});
