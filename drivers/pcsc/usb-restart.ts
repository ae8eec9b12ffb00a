/**
 * Restarts a reader on its USB bus, as pulling the plug and putting it back would: the last resort for an ACR1252 that
 * answers nobody until the next boot. Power and volatile state of every slot in the same housing go with it.
 *
 * `authorized` of the device is enough and is the gentler way; unbinding it from the `usb` driver is the other. Both need
 * root, or the udev rule in `provisioning/udev`.
 *
 * @see https://www.kernel.org/doc/html/latest/usb/authorization.html
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '#ports/clock.ts';
import type { Logger } from '#ports/logger.ts';

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

interface UsbDevice {
  /** Such as "1-1.3". */
  readonly busId: string;
  readonly folder: string;
  readonly usbId: string;
  readonly product: string;
}

/** @see USB CCID specification 1.1 §4.3 */
const CLASS_SMART_CARD = '0b';
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

function pick(
  devices: readonly UsbDevice[],
  { usbId, deviceName }: UsbRestartOptions,
): UsbDevice | 'not-found' | 'undecided' {
  const wished =
    usbId === undefined ? devices : devices.filter((device) => device.usbId === usbId.toLowerCase());
  const named = wished.filter(({ product }) => product !== '' && deviceName?.includes(product));
  const [device, second] = named.length > 0 ? named : wished;
  if (device === undefined) return 'not-found';
  return second === undefined ? device : 'undecided';
}

async function listSmartCardReaders(sysfs: string): Promise<UsbDevice[]> {
  const root = join(sysfs, 'bus/usb/devices');
  const names = await readdir(root).catch(() => []);
  const devices: UsbDevice[] = [];
  for (const busId of names) {
    // "1-1.3:1.0" is an interface, "1-1.3" the device that has it.
    const interfaces = names.filter((name) => name.startsWith(`${busId}:`));
    const classes = await Promise.all(interfaces.map((name) => read(join(root, name, 'bInterfaceClass'))));
    if (!classes.includes(CLASS_SMART_CARD)) continue;
    const folder = join(root, busId);
    const [vendor, product, title] = await Promise.all(
      ['idVendor', 'idProduct', 'product'].map((name) => read(join(folder, name))),
    );
    devices.push({ busId, folder, usbId: `${vendor}:${product}`, product: title ?? '' });
  }
  return devices;
}

async function read(file: string): Promise<string> {
  return (await readFile(file, 'utf8').catch(() => '')).trim();
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
