import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findSerialDevices } from './serial-devices.ts';

let sysfs: string;
beforeEach(() => {
  sysfs = mkdtempSync(join(tmpdir(), 'sekisho-sysfs-'));
});
afterEach(() => rmSync(sysfs, { recursive: true }));

/** As the kernel shows it: `class/tty/NAME` is a link into the device's own folder. */
function add(
  name: string,
  device: string,
  driver: string,
  files: Readonly<Record<string, string>> = {},
): void {
  const place = join(sysfs, 'devices', device, 'tty', name);
  mkdirSync(place, { recursive: true });
  symlinkSync(join(sysfs, 'devices', device), join(place, 'device'));
  mkdirSync(join(sysfs, 'drivers', driver), { recursive: true });
  symlinkSync(join(sysfs, 'drivers', driver), join(sysfs, 'devices', device, 'driver'));
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(join(place, file, '..'), { recursive: true });
    writeFileSync(join(place, file), text);
  }
  mkdirSync(join(sysfs, 'class/tty'), { recursive: true });
  symlinkSync(place, join(sysfs, 'class/tty', name));
}

it('names UARTs and adapters, and says which is a console, and which a mini UART', async () => {
  add('ttyAMA0', 'soc/3f201000.serial', 'uart-pl011', { type: '32\n' });
  add('ttyS0', 'soc/3f215040.serial', 'bcm2835-aux-uart', {
    type: '1\n',
    '../../of_node/compatible': 'brcm,bcm2835-aux-uart\0',
  });
  add('ttyS1', 'platform/serial8250', 'serial8250', { type: '0\n' });
  add('ttyUSB0', 'usb1/1-1/1-1:1.0/ttyUSB0', 'ftdi_sio');
  writeFileSync(join(sysfs, 'devices/usb1/1-1/product'), 'FT232R USB UART\n');
  mkdirSync(join(sysfs, 'class/tty/console'));
  writeFileSync(join(sysfs, 'class/tty/console/active'), 'tty1 ttyS0\n');
  expect(await findSerialDevices(sysfs)).toEqual([
    { path: '/dev/ttyAMA0', kind: 'uart-pl011', isConsole: false, isMiniUart: false },
    { path: '/dev/ttyS0', kind: 'bcm2835-aux-uart', isConsole: true, isMiniUart: true },
    { path: '/dev/ttyUSB0', kind: 'FT232R USB UART', isConsole: false, isMiniUart: false },
  ]);
});

it('finds none where there is none', async () => {
  expect(await findSerialDevices(join(sysfs, 'nowhere'))).toEqual([]);
});
