/** Every HID device with keys that is plugged in, whatever its number: for whoever looks for the panel. */
import { constants } from 'node:fs';
import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findKeyFields } from './report-descriptor.ts';

export interface Keypad {
  /** "hidraw0" */
  readonly node: string;
  /** "04d9:a02a" */
  readonly usbId: string;
  readonly name: string;
  /** Whether this user may open it. */
  readonly mayOpen: boolean;
}

/** The folders name other trees than the system's, for tests. */
export async function listKeypads(sysfsFolder = '/sys', deviceFolder = '/dev'): Promise<readonly Keypad[]> {
  const folder = join(sysfsFolder, 'class/hidraw');
  const keypads: Keypad[] = [];
  for (const node of (await readdir(folder).catch(() => [])).toSorted()) {
    const descriptor = await readFile(join(folder, node, 'device/report_descriptor')).catch(() => []);
    if (findKeyFields(Uint8Array.from(descriptor)).length === 0) continue;
    const facts = await readFile(join(folder, node, 'device/uevent'), 'utf8').catch(() => '');
    const [, vendor = '', product = ''] =
      /^HID_ID=[0-9A-F]+:0000([0-9A-F]{4}):0000([0-9A-F]{4})$/im.exec(facts) ?? [];
    const [, name = ''] = /^HID_NAME=(.*)$/m.exec(facts) ?? [];
    const mayOpen = await access(join(deviceFolder, node), constants.R_OK | constants.W_OK).then(
      () => true,
      () => false,
    );
    keypads.push({ node, usbId: `${vendor}:${product}`.toLowerCase(), name, mayOpen });
  }
  return keypads;
}
