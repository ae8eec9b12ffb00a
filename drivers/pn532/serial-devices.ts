/** Serial devices of this machine that a PN532 may be wired to, with what a technician must know of each. */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename, join } from 'node:path';

export interface SerialDevice {
  /** "/dev/ttyAMA0" */
  readonly path: string;
  /** What the kernel or the USB device calls it. */
  readonly kind: string;
  /** A login or the kernel's messages run over it. */
  readonly isConsole: boolean;
  /** Its rate hangs on the clock of the Raspberry Pi's core. */
  readonly isMiniUart: boolean;
}

const NAMES = /^tty(AMA|S|USB|ACM)\d+$/;
const MINI_UART = 'brcm,bcm2835-aux-uart';
/** PORT_UNKNOWN: a name of the PC's four without a UART behind it. @see linux/serial_core.h */
const NO_UART = '0';

/** `sysfsFolder` names another tree than the system's, for tests. */
export async function findSerialDevices(sysfsFolder = '/sys'): Promise<readonly SerialDevice[]> {
  const folder = join(sysfsFolder, 'class/tty');
  const consoles = (await read(join(folder, 'console/active'))).split(/\s+/);
  const names = (await readdir(folder).catch(() => [])).filter((name) => NAMES.test(name));
  const devices: SerialDevice[] = [];
  for (const name of names.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))) {
    const driver = await readlink(join(folder, name, 'device/driver')).catch(() => undefined);
    if (driver === undefined || (await read(join(folder, name, 'type'))) === NO_UART) continue;
    const compatible = await read(join(folder, name, 'device/of_node/compatible'));
    // A USB serial port is a child of its interface, which is a child of the device.
    // Not `join`, which would take the step back before the link is followed.
    const product =
      (await read(`${folder}/${name}/device/../product`)) ||
      (await read(`${folder}/${name}/device/../../product`));
    devices.push({
      path: `/dev/${name}`,
      kind: product || basename(driver),
      isConsole: consoles.includes(name),
      isMiniUart: compatible.split('\0').includes(MINI_UART),
    });
  }
  return devices;
}

async function read(file: string): Promise<string> {
  return (await readFile(file, 'utf8').catch(() => '')).trim();
}
