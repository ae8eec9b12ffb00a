import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const unitFile = (name: string): string => fileURLToPath(new URL(`./${name}.service`, import.meta.url));

/** 0 is best, 10 worst. */
function exposureOf(unit: string): number {
  const words = ['security', '--offline=true', '--no-pager', unitFile(unit)];
  const text = execFileSync('systemd-analyze', words, { encoding: 'utf8' });
  return Number(/Overall exposure level .*: ([\d.]+)/.exec(text)?.[1] ?? Number.NaN);
}

describe('systemd calls the units well guarded', () => {
  test.each([
    ['sekisho-gateway', 1.5],
    ['sekisho-broker', 0.5],
  ])('%s: exposure at most %d', (unit, most) => {
    const exposure = exposureOf(unit);
    expect(exposure).toBeGreaterThan(0);
    expect(exposure).toBeLessThanOrEqual(most);
  });
});

test('systemd understands every line of them', () => {
  const units = ['sekisho-gateway', 'sekisho-broker'].map(unitFile);
  const { stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', ...units], { encoding: 'utf8' });
  // Programs, users and pcscd are not installed here; what it says of the lines themselves counts.
  const complaints = stderr
    .split('\n')
    .filter(
      (line) =>
        /sekisho-(gateway|broker)\.service:\d+/.test(line) || /Unknown (key|lvalue|section)/.test(line),
    );
  expect(complaints).toEqual([]);
});

test('the broker asks for the end of pcscd with the code that its unit knows', () => {
  const unit = readFileSync(unitFile('sekisho-broker'), 'utf8');
  const program = readFileSync(new URL('../../appliance/broker/main.ts', import.meta.url), 'utf8');
  const [, code] = /EX_POWER_STAYS = (\d+);/.exec(program) ?? [];
  expect(unit).toMatch(
    new RegExp(`^ExecStopPost=-\\+/bin/sh -c 'test "\\$EXIT_STATUS" != ${code} \\|\\| .*SIGKILL pcscd`, 'm'),
  );
});
