import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

test('systemd calls the unit well guarded: exposure at most 1.5 of 10', () => {
  const unit = fileURLToPath(new URL('./sekisho-anchor.service', import.meta.url));
  const words = ['security', '--offline=true', '--no-pager', unit];
  const text = execFileSync('systemd-analyze', words, { encoding: 'utf8' });
  const exposure = Number(/Overall exposure level .*: ([\d.]+)/.exec(text)?.[1]);
  expect(exposure).toBeGreaterThan(0);
  expect(exposure).toBeLessThanOrEqual(1.5);
});
