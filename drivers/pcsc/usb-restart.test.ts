import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '#ports/logger.ts';
import { restartUsbReader, type UsbRestart } from './usb-restart.ts';

/** A sysfs of our own; links are folders, as they look to whoever reads. */
let sysfs: string;
beforeEach(() => {
  sysfs = mkdtempSync(join(tmpdir(), 'sekisho-sysfs-'));
  mkdirSync(join(sysfs, 'bus/usb/drivers/usb'), { recursive: true });
  for (const name of ['bind', 'unbind']) writeFileSync(join(sysfs, 'bus/usb/drivers/usb', name), '');
  plugIn('usb1', '1d6b:0002', 'xHCI Host Controller', ['09']);
  plugIn('1-1', '046d:c31c', 'USB Keyboard', ['03', '03']);
});
afterEach(() => rmSync(sysfs, { recursive: true }));

const at = (...path: string[]): string => join(sysfs, 'bus/usb/devices', ...path);
const authorized = (busId: string): string => readFileSync(at(busId, 'authorized'), 'utf8');
const driverFile = (name: string): string => readFileSync(join(sysfs, 'bus/usb/drivers/usb', name), 'utf8');

function plugIn(busId: string, usbId: string, product: string, interfaceClasses: readonly string[]): void {
  mkdirSync(at(busId), { recursive: true });
  const [vendor, id] = usbId.split(':');
  const files = { idVendor: vendor, idProduct: id, product, authorized: '1' };
  for (const [name, text] of Object.entries(files)) writeFileSync(at(busId, name), `${text}\n`);
  for (const [index, interfaceClass] of interfaceClasses.entries()) {
    mkdirSync(at(`${busId}:1.${index}`), { recursive: true });
    writeFileSync(at(`${busId}:1.${index}`, 'bInterfaceClass'), `${interfaceClass}\n`);
  }
}

const plugInAcr1252 = (busId: string): void =>
  plugIn(busId, '072f:223b', 'ACR1252 Dual Reader', ['0b', '0b']);

/** Restarts, and notes what the tree looked like in every pause. */
async function restart(wish: { usbId?: string; deviceName?: string } = {}, duringPause = (): void => {}) {
  let pauses = 0;
  const clock = {
    nowMs: () => 0,
    monotonicMs: () => 0,
    sleep: async () => {
      pauses += 1;
      duringPause();
    },
  };
  const outcome = await restartUsbReader({ ...wish, sysfsFolder: sysfs, clock, logger: silentLogger });
  return { outcome, pauses };
}

describe('a restart of the reader on its USB bus', () => {
  it('takes its authorization away and gives it back', async () => {
    plugInAcr1252('1-1.3');
    const seen: string[] = [];
    const { outcome } = await restart({}, () => seen.push(authorized('1-1.3')));
    expect(outcome).toBe('done' satisfies UsbRestart);
    expect(seen).toEqual(['0\n']);
    expect(authorized('1-1.3')).toMatch(/^1/);
    expect(authorized('1-1')).toBe('1\n');
  });

  it('is unbound and bound where that cannot be', async () => {
    plugInAcr1252('1-1.3');
    rmSync(at('1-1.3', 'authorized'));
    const seen: string[] = [];
    const { outcome } = await restart({}, () => seen.push(driverFile('unbind'), driverFile('bind')));
    expect(outcome).toBe('done');
    expect(seen).toEqual(['1-1.3', '']);
    expect(driverFile('bind')).toBe('1-1.3');
  });

  it('is not done where it is not permitted, and nothing was touched', async () => {
    plugInAcr1252('1-1.3');
    rmSync(at('1-1.3', 'authorized'));
    rmSync(join(sysfs, 'bus/usb/drivers/usb/unbind'));
    expect(await restart()).toEqual({ outcome: 'not-permitted', pauses: 0 });
  });

  it('tries again to give back what it took', async () => {
    plugInAcr1252('1-1.3');
    let pause = 0;
    const { outcome, pauses } = await restart({}, () => {
      pause += 1;
      if (pause === 1) rmSync(at('1-1.3', 'authorized'));
      if (pause === 3) writeFileSync(at('1-1.3', 'authorized'), '0');
    });
    expect({ outcome, pauses }).toEqual({ outcome: 'done', pauses: 3 });
    expect(authorized('1-1.3')).toBe('1');
  });

  it('leaves everything alone that is no smart-card reader, also when told', async () => {
    expect((await restart()).outcome).toBe('not-found');
    expect((await restart({ usbId: '046d:c31c' })).outcome).toBe('not-found');
  });

  it('picks among several by the name in PC/SC or by the configuration, and never guesses', async () => {
    plugInAcr1252('1-1.3');
    plugIn('1-1.4', '04e6:5816', 'uTrust 3512 SAM slot Token', ['0b']);
    expect((await restart()).outcome).toBe('undecided');
    await restart({ deviceName: 'Identiv uTrust 3512 SAM slot Token [CCID Interface] 00 00' });
    expect(authorized('1-1.4')).toMatch(/^1/);
    expect((await restart({ usbId: '072F:223B' })).outcome).toBe('done');
    plugInAcr1252('1-2');
    expect((await restart({ usbId: '072f:223b' })).outcome).toBe('undecided');
  });

  it('finds nothing where there is no USB at all', async () => {
    rmSync(join(sysfs, 'bus'), { recursive: true });
    expect((await restart()).outcome).toBe('not-found');
  });
});
