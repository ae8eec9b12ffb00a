import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { examineReaders } from './doctor.ts';
import { exitCodeOf, type Finding } from './finding.ts';

/** A boot keyboard's. @see HID 1.11 appendix E.6 */
const KEYBOARD =
  '05010906a101050719e029e71500250175019508810295017508810195057501050819012905910295017503910195067508150025650507190029658100c0';

let sysfs: string;
beforeEach(() => {
  sysfs = mkdtempSync(join(tmpdir(), 'sekisho-doctor-'));
  vi.stubEnv('PCSCLITE_CSOCK_NAME', join(sysfs, 'no-pcscd'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(sysfs, { recursive: true });
});

function examine(): Promise<readonly Finding[]> {
  return examineReaders({
    baudRate: 115_200,
    waitMs: 100,
    signal: new AbortController().signal,
    tell: () => {},
    ask: () => {},
    sysfsFolder: sysfs,
  });
}

it('on a machine without any reader fails, and says where to look', async () => {
  const findings = await examine();
  expect(findings.map(({ check, result }) => [check, result])).toEqual([
    ['pcsc', 'limit'],
    ['reader', 'fail'],
  ]);
  // Who reads this is the support.
  expect(findings[0]?.next?.ja).toContain('systemctl restart pcscd');
  expect(findings[1]?.next?.ja).toContain('docs/hardware.md');
  expect(exitCodeOf(findings)).toBe(1);
});

it('names keypads, and never speaks to a console', async () => {
  const keypad = join(sysfs, 'class/hidraw/sekisho-nothing/device');
  mkdirSync(keypad, { recursive: true });
  writeFileSync(join(keypad, 'report_descriptor'), Buffer.from(KEYBOARD, 'hex'));
  writeFileSync(join(keypad, 'uevent'), 'HID_ID=0003:000004D9:0000A02A\nHID_NAME=Ten Key\n');
  const serial = join(sysfs, 'class/tty/ttyAMA9');
  mkdirSync(join(serial, 'device'), { recursive: true });
  mkdirSync(join(sysfs, 'drivers/uart-pl011'), { recursive: true });
  symlinkSync(join(sysfs, 'drivers/uart-pl011'), join(serial, 'device/driver'));
  mkdirSync(join(sysfs, 'class/tty/console'));
  writeFileSync(join(sysfs, 'class/tty/console/active'), 'ttyAMA9\n');
  const findings = await examine();
  expect(findings.map(({ check, device, detail, result }) => [check, device, detail, result])).toEqual([
    ['pcsc', undefined, undefined, 'limit'],
    ['serial', '/dev/ttyAMA9', 'uart-pl011', 'limit'],
    ['panel', '/dev/sekisho-nothing', '04d9:a02a Ten Key', 'limit'],
    ['reader', undefined, undefined, 'fail'],
  ]);
});
