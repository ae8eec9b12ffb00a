/**
 * Restarts a reader on its USB bus, as pulling the plug and putting it back would: the last resort for an ACR1252 that
 * answers nobody until the next boot. Power and volatile state of every slot in the same housing go with it.
 *
 * `authorized` of the device is enough and is the gentler way; unbinding it from the `usb` driver is the other. Both need
 * root, or the udev rule in `provisioning/udev`.
 *
 * @see https://www.kernel.org/doc/html/latest/usb/authorization.html
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '#ports/clock.ts';
import type { Logger } from '#ports/logger.ts';
import { listSmartCardReaders, ofKind, ofName, type UsbDevice } from './usb-devices.ts';

export interface UsbRestartOptions {
  /** "072f:223b" as `lsusb` shows it. Default: the only smart-card reader on the bus, or the one that `deviceName` names. */
  readonly usbId?: string | undefined;
  /** The reader's name in PC/SC. */
  readonly deviceName?: string | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Another tree than the system's, for tests. */
  readonly sysfsFolder?: string;
}

export type UsbRestart = 'done' | 'not-found' | 'undecided' | 'not-permitted';

/** Long enough for pcscd to see it go. */
const OFF_MS = 700;
const ON_ATTEMPTS = 5;

/** Never rejects. */
export async function restartUsbReader(options: UsbRestartOptions): Promise<UsbRestart> {
  const { logger } = options;
  const sysfs = options.sysfsFolder ?? '/sys';
  const found = pick(await listSmartCardReaders(sysfs), options);
  if (typeof found === 'string') {
    logger.warn('usb.not-restarted', { reason: found });
    return found;
  }
  const isDone = (await reauthorize(found, options)) || (await rebind(sysfs, found, options));
  if (isDone) logger.warn('usb.restarted', { usbId: found.usbId, busId: found.busId });
  return isDone ? 'done' : 'not-permitted';
}

function pick(devices: readonly UsbDevice[], wish: UsbRestartOptions): UsbDevice | 'not-found' | 'undecided' {
  const wished = ofKind(devices, wish);
  const named = ofName(wished, wish);
  const [device, second] = named.length > 0 ? named : wished;
  if (device === undefined) return 'not-found';
  return second === undefined ? device : 'undecided';
}

async function reauthorize({ folder }: UsbDevice, options: UsbRestartOptions): Promise<boolean> {
  const file = join(folder, 'authorized');
  return (await write(file, '0', options)) && (await writeAfterPause(file, '1', options));
}

async function rebind(sysfs: string, { busId }: UsbDevice, options: UsbRestartOptions): Promise<boolean> {
  const driver = join(sysfs, 'bus/usb/drivers/usb');
  return (
    (await write(join(driver, 'unbind'), busId, options)) &&
    (await writeAfterPause(join(driver, 'bind'), busId, options))
  );
}

/** What was taken off must come on again. */
async function writeAfterPause(file: string, text: string, options: UsbRestartOptions): Promise<boolean> {
  for (let attempt = 0; attempt < ON_ATTEMPTS; attempt += 1) {
    await options.clock.sleep(OFF_MS);
    if (await write(file, text, options)) return true;
  }
  return false;
}

async function write(file: string, text: string, { logger }: UsbRestartOptions): Promise<boolean> {
  try {
    // Never creates: in sysfs there is nothing to create.
    await writeFile(file, text, { flag: 'r+' });
    return true;
  } catch (thrown) {
    logger.warn('usb.write-failed', { file, reason: (thrown as NodeJS.ErrnoException).code });
    return false;
  }
}
