import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VirtualUsbPort } from '#drivers/simulated/virtual-usb-port.ts';
import type { Clock } from '#ports/clock.ts';
import { silentLogger } from '#ports/logger.ts';
import { UsbPortCut } from './usb-port-cut.ts';

let port: VirtualUsbPort;
/** What the clock is asked to wait for, until `wake` is called. */
let wake: () => void;
let sleeps: number;
const clock: Clock = {
  nowMs: () => 0,
  monotonicMs: () => 0,
  sleep: () =>
    new Promise((resolve) => {
      sleeps += 1;
      wake = resolve;
    }),
};
beforeEach(() => {
  sleeps = 0;
  port = new VirtualUsbPort({ product: 'ACR1252 Dual Reader' });
});
afterEach(() => port.close());

const NAME = 'ACS ACR1252 Dual Reader [ACR1252 Dual Reader SAM] 01 00';
const makeCut = (options: { usbId?: string; name?: string; clock?: Clock } = {}): UsbPortCut =>
  new UsbPortCut({
    usbId: options.usbId,
    deviceName: () => options.name,
    clock: options.clock ?? clock,
    logger: silentLogger,
    sysfsFolder: port.sysfsFolder,
  });
const needed = new AbortController().signal;
const state = (): string => readFileSync(port.switchFile, 'utf8').trim();
const turns = async (until: () => boolean): Promise<void> => {
  while (!until()) await new Promise((resolve) => setTimeout(resolve, 1));
};

describe('the USB port of the SAM', () => {
  it.each([
    ['called after by pcscd', { name: NAME }],
    ['named in the configuration', { usbId: '072F:223B' }],
  ])('of a reader that is %s is switched off, and on again after a while', async (_what, wish) => {
    const cut = makeCut(wish);
    await cut.cut(needed);
    expect([state(), cut.isOff]).toEqual(['1', true]);
    await turns(() => sleeps === 1);
    wake();
    await turns(() => !cut.isOff);
    expect(state()).toBe('0');
  });

  it('is found by its own path once the reader has gone from the bus', async () => {
    await makeCut({ name: NAME }).cut(needed);
    await turns(() => !existsSync(join(port.sysfsFolder, 'bus/usb/devices/1-2')));
    wake();
    await turns(() => existsSync(join(port.sysfsFolder, 'bus/usb/devices/1-2/port/disable')));
  });

  it.each([
    ['the slot is called after another device', { name: 'Identiv uTrust 3512 SAM slot Token 00 00' }],
    ['the configuration names another one', { usbId: '04e6:5816', name: NAME }],
    ['the slot was never found', {}],
  ])('stays as it is when %s, and that is said', async (_when, wish) => {
    await expect(makeCut(wish).cut(needed)).rejects.toMatchObject({ code: 'sam.lock-failed' });
    expect(state()).toBe('0');
    expect(sleeps).toBe(0);
  });

  it('stays on when PC/SC was quicker after all', async () => {
    await expect(makeCut({ name: NAME }).cut(AbortSignal.abort())).rejects.toThrow();
    expect(state()).toBe('0');
  });

  it('is not believed to be off where the kernel has no such switch, and nothing is created', async () => {
    rmSync(port.switchFile);
    const cut = makeCut({ name: NAME });
    await expect(cut.cut(needed)).rejects.toMatchObject({
      code: 'sam.lock-failed',
      context: { reason: 'ENOENT' },
    });
    expect(cut.isOff).toBe(false);
    expect(existsSync(port.switchFile)).toBe(false);
  });

  it('is tried again when it does not come on', async () => {
    await makeCut({ name: NAME }).cut(needed);
    rmSync(port.switchFile);
    wake();
    await turns(() => sleeps === 2);
    writeFileSync(port.switchFile, '1\n');
    wake();
    await turns(() => state() === '0');
  });

  it('that a process left off comes on with the next one', async () => {
    writeFileSync(port.switchFile, '1\n');
    await makeCut().restore();
    expect(state()).toBe('0');
  });
});
