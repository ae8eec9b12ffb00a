import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '#ports/clock.ts';
import type { TamperSwitch } from '#ports/surroundings.ts';
import { systemBootClock } from './boot-clock.ts';
import { carrierLosses } from './carrier-file.ts';
import { dhcpServerOf, readDhcpServer } from './dhcp-lease.ts';
import { gpioTamperSwitch } from './gpio-tamper.ts';
import { readMonitorLine } from './monitor-line.ts';
import { fileTamperSwitch } from './tamper-level.ts';
import { wirelessNameOf } from './wireless-name.ts';

describe('a line of `ip -o monitor label`, as iproute2 6.1 prints it', () => {
  const read = (line: string) => readMonitorLine(line, 'eth0', '10.9.0.1', '02:00:00:00:00:01');

  test.each([
    [
      '[LINK]2: eth0: <NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500 qdisc noqueue state DOWN group default \\ ',
      'link-down',
    ],
    [
      '[LINK]2: eth0: <BROADCAST,MULTICAST> mtu 1500 qdisc noqueue state DOWN group default \\    link/ether',
      'link-down',
    ],
    [
      '[LINK]Deleted 2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noop state DOWN \\    link/ether',
      'link-down',
    ],
    ['[LINK]2: eth0@if9: <NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500 qdisc noqueue state DOWN', 'link-down'],
    [
      '[LINK]2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default',
      'changed',
    ],
    ['[ADDR]2: eth0    inet 10.9.0.2/24 scope global eth0\\       valid_lft forever', 'changed'],
    ['[ADDR]Deleted 2: eth0    inet 10.9.0.2/24 scope global eth0\\       valid_lft forever', 'changed'],
    ['[ROUTE]default via 10.9.0.1 dev eth0 ', 'changed'],
    ['[ROUTE]Deleted default via 10.9.0.1 dev eth0 ', 'changed'],
    ['[NEIGH]10.9.0.1 dev eth0 lladdr 02:00:00:00:00:02 REACHABLE', 'changed'],
    [
      '[ADDR]2: eth0    inet6 fd00::2/64 scope global \\       valid_lft forever preferred_lft forever',
      'changed',
    ],
    ['[ROUTE]default via fe80::1 dev eth0 proto ra metric 100 pref medium', 'changed'],
    // Everyday.
    ['[NEIGH]10.9.0.1 dev eth0 lladdr 02:00:00:00:00:01 STALE', undefined],
    ['[NEIGH]10.9.0.1 dev eth0 FAILED', undefined],
    ['[NEIGH]10.9.0.7 dev eth0 lladdr 02:00:00:00:00:07 REACHABLE', undefined],
    ['[NEIGH]10.9.0.1 dev eth1 lladdr 02:00:00:00:00:02 REACHABLE', undefined],
    // Of other cards, also those whose names begin alike.
    ['[LINK]3: eth01: <NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500 state DOWN', undefined],
    ['[ADDR]3: wlan0    inet 10.8.0.2/24 scope global wlan0', undefined],
    ['[ROUTE]default via 10.8.0.1 dev wlan0 ', undefined],
    ['garbage', undefined],
    ['', undefined],
  ])('%s means %s', (line, meaning) => {
    expect(read(line)).toBe(meaning);
  });
});

describe('hints', () => {
  test('the DHCP server, from what the three clients of Debian write', async () => {
    expect(dhcpServerOf('# private\nADDRESS=10.0.0.5\nSERVER_ADDRESS=10.0.0.1\nT1=1800\n')).toBe('10.0.0.1');
    const dhclient =
      'lease {\n  option dhcp-server-identifier 10.0.0.1;\n}\nlease {\n  option dhcp-server-identifier 10.0.0.2;\n}\n';
    expect(dhcpServerOf(dhclient)).toBe('10.0.0.2');
    expect(dhcpServerOf('')).toBeUndefined();
    expect(await readDhcpServer('/nowhere/lease')).toBeUndefined();
  });

  test('the wireless name, from iw', () => {
    const text =
      'Interface wlan0\n\tifindex 3\n\taddr 02:00:00:00:00:05\n\tssid Clinic East 2\n\ttype managed\n';
    expect(wirelessNameOf(text)).toBe('Clinic East 2');
    expect(wirelessNameOf('Interface wlan0\n\ttype managed\n')).toBeUndefined();
  });

  test('sysfs and procfs are read, and what is not there is unknown', () => {
    expect(carrierLosses('lo')).toBeGreaterThanOrEqual(0);
    expect(carrierLosses('nothing0')).toBeUndefined();
    const beforeMs = systemBootClock()!;
    expect(beforeMs).toBeGreaterThan(0);
    expect(systemBootClock()).toBeGreaterThanOrEqual(beforeMs);
  });
});

describe('the enclosure switch', () => {
  let folder: string;
  let tamper: TamperSwitch | undefined;
  const path = process.env.PATH;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sekisho-tamper-'));
  });
  afterEach(async () => {
    await tamper?.close();
    process.env.PATH = path;
    rmSync(folder, { recursive: true });
  });
  const level = (text: string): void => writeFileSync(join(folder, 'level'), text);
  const watch = (made: TamperSwitch): string[] => {
    const told: string[] = [];
    tamper = made;
    tamper.start((state) => told.push(state));
    return told;
  };

  test('in a file: told once for each change; what cannot be read is open', async () => {
    level('0\n');
    const told = watch(fileTamperSwitch(join(folder, 'level'), '0', systemClock));
    await expect.poll(() => told).toEqual(['closed']);
    level('1\n');
    await expect.poll(() => told).toEqual(['closed', 'open']);
    level('0\n');
    await expect.poll(() => told).toEqual(['closed', 'open', 'closed']);
    rmSync(join(folder, 'level'));
    await expect.poll(() => told).toEqual(['closed', 'open', 'closed', 'open']);
  });

  /** Commands with the words and answers of the two libgpiods; the line is a file. */
  function install(version: '1.6.3' | '2.2.1'): void {
    const file = join(folder, 'level');
    const line = version === '1.6.3' ? 'gpiochip0 17' : '--chip gpiochip0 17';
    const value = version === '1.6.3' ? line : `--numeric ${line}`;
    const put = (name: string, script: string): void => {
      writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
      chmodSync(join(folder, name), 0o755);
    };
    put(
      'gpioget',
      `[ "$1" = --version ] && { echo "gpioget (libgpiod) v${version}"; exit; }\n[ "$*" = "${value}" ] || exit 1\nexec cat ${file}`,
    );
    put(
      'gpiomon',
      `[ "$*" = "--num-events=1 ${line}" ] || exit 1\nwas=$(cat ${file})\nwhile [ "$(cat ${file})" = "$was" ]; do sleep 0.02; done`,
    );
    process.env.PATH = `${folder}${delimiter}${path}`;
  }

  test.each(['1.6.3', '2.2.1'] as const)('on a GPIO line with libgpiod %s', async (version) => {
    install(version);
    level('0');
    const told = watch(gpioTamperSwitch({ chip: 'gpiochip0', line: 17, closedLevel: 0 }));
    await expect.poll(() => told).toEqual(['closed']);
    level('1');
    await expect.poll(() => told).toEqual(['closed', 'open']);
    level('0');
    await expect.poll(() => told).toEqual(['closed', 'open', 'closed']);
  });

  test('on a GPIO line that is not there it is open', async () => {
    process.env.PATH = folder;
    const told = watch(gpioTamperSwitch({ chip: 'gpiochip9', line: 17, closedLevel: 0 }));
    await expect.poll(() => told).toEqual(['open']);
  });
});
