/** Smart-card readers on the USB bus, as the kernel shows them in sysfs. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface UsbDevice {
  /** Such as "1-1.3". */
  readonly busId: string;
  /** Its folder in sysfs. */
  readonly folder: string;
  /** "072f:223b" as `lsusb` shows it. */
  readonly usbId: string;
  readonly product: string;
}

export interface UsbDeviceWish {
  /** "072f:223b" as `lsusb` shows it. */
  readonly usbId?: string | undefined;
  /** The reader's name in PC/SC: pcscd makes it of what the device says of itself. */
  readonly deviceName?: string | undefined;
}

/** @see USB CCID specification 1.1 §4.3 */
const CLASS_SMART_CARD = '0b';

/** Empty where there is no USB. */
export async function listSmartCardReaders(sysfs: string): Promise<UsbDevice[]> {
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

/** Those of the kind, when one is wished for. */
export function ofKind(devices: readonly UsbDevice[], { usbId }: UsbDeviceWish): readonly UsbDevice[] {
  return usbId === undefined ? devices : devices.filter((device) => device.usbId === usbId.toLowerCase());
}

/** Those that the reader is called after. */
export function ofName(devices: readonly UsbDevice[], { deviceName }: UsbDeviceWish): readonly UsbDevice[] {
  return devices.filter(({ product }) => product !== '' && deviceName?.includes(product));
}

async function read(file: string): Promise<string> {
  return (await readFile(file, 'utf8').catch(() => '')).trim();
}
