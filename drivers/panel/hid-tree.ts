/**
 * What the kernel says about HID devices, and how it is told to keep their keys from everybody else.
 *
 * hidraw gives a copy: what is typed would reach a console, too. `inhibited` of the device's input devices (Linux 5.11)
 * ends that and leaves hidraw alone: the input layer drops the events, the device goes on reporting for whoever else has
 * it open. The udev rule in `provisioning/udev` sets it as soon as the keypad is plugged in.
 *
 * @see https://docs.kernel.org/input/input-programming.html "Inhibiting input devices"
 * @see https://docs.kernel.org/hid/hidraw.html
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SekishoError } from '#contract/errors.ts';
import { findKeyFields, type KeyField } from './report-descriptor.ts';

export interface FoundKeypad {
  /** Such as "hidraw0". */
  readonly node: string;
  readonly fields: readonly KeyField[];
}

export class HidTree {
  readonly #folder: string;

  /** `sysfsFolder` names another tree than the system's, for tests. */
  constructor(sysfsFolder = '/sys') {
    this.#folder = join(sysfsFolder, 'class/hidraw');
  }

  /** Every device with keys under this USB number ("04d9:a02a"), the lowest node first. */
  async findKeypads(usbId: string): Promise<readonly FoundKeypad[]> {
    const nodes = await readdir(this.#folder).catch(() => []);
    const found: FoundKeypad[] = [];
    for (const node of nodes.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))) {
      if ((await this.#usbIdOf(node)) !== usbId) continue;
      const descriptor = await readFile(join(this.#folder, node, 'device/report_descriptor')).catch(() => []);
      const fields = findKeyFields(Uint8Array.from(descriptor));
      if (fields.length > 0) found.push({ node, fields });
    }
    return found;
  }

  /** Rejects with `panel.not-exclusive` when keys of this device still reach others. */
  async takeFromOthers(node: string): Promise<void> {
    const inputs = join(this.#folder, node, 'device/input');
    // Without an input device the kernel makes no keys of its reports.
    for (const input of await readdir(inputs).catch(() => [])) {
      const file = join(inputs, input, 'inhibited');
      if (await isSet(file)) continue;
      await writeFile(file, '1', { flag: 'r+' }).catch(() => undefined);
      if (!(await isSet(file))) throw new SekishoError('panel.not-exclusive', { context: { node, input } });
    }
  }

  async #usbIdOf(node: string): Promise<string | undefined> {
    const uevent = await readFile(join(this.#folder, node, 'device/uevent'), 'utf8').catch(() => '');
    // HID_ID=0003:000004D9:0000A02A (bus, vendor, product)
    const [, vendor, product] = /^HID_ID=[0-9A-F]+:0000([0-9A-F]{4}):0000([0-9A-F]{4})$/im.exec(uevent) ?? [];
    return vendor && product && `${vendor}:${product}`.toLowerCase();
  }
}

async function isSet(file: string): Promise<boolean> {
  return (await readFile(file, 'utf8').catch(() => '0')).trim().startsWith('1');
}
