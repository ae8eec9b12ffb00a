/**
 * Switches the USB port off that the SAM's reader is plugged into, whatever the reader is doing, and on again, so that the
 * SAM is there for the next unlock. The kernel ends the transfers that pcscd waits for and takes the device off its bus; a
 * hub that can switch the port takes its 5 V away, behind any other hub the reader sees a dead bus and must suspend.
 *
 * Needs the right to write to this one attribute: the udev rule in `provisioning/udev` gives it to the broker.
 *
 * @see https://www.kernel.org/doc/Documentation/ABI/testing/sysfs-bus-usb "port<X>/disable", Linux 6.0
 * @see USB 2.0 §11.5.1.2 (Powered-off), §11.11 (port power), §7.2.3 (suspend: 2.5 mA at most)
 */
import { readdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SekishoError } from '#contract/errors.ts';
import { listSmartCardReaders, ofKind, ofName, type UsbDevice } from '#drivers/pcsc/index.ts';
import type { Clock } from '#ports/clock.ts';
import type { Logger } from '#ports/logger.ts';
import type { PowerCut } from './power-cut.ts';

export interface UsbPortCutOptions {
  /** "072f:223b" as `lsusb` shows it. Default: the device that the slot is called after. */
  readonly usbId?: string | undefined;
  /** The slot's name in PC/SC, once it is known. */
  readonly deviceName: () => string | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Another tree than the system's, for tests. */
  readonly sysfsFolder?: string | undefined;
}

/** PC/SC takes the power off a SAM that is idle in far less; what is left of 150 ms is for the hub. */
const AFTER_MS = 40;
/** Long enough for the SAM to forget and for pcscd to see the reader go. */
const OFF_MS = 700;
const ON_ATTEMPTS = 5;
const [OFF, ON] = ['1', '0'];
/** "1-1.4-port2", in the folder of the hub's interface. */
const PORT = /^[\w.-]+-port\d+$/;

export class UsbPortCut implements PowerCut {
  readonly name = 'usb-port';
  readonly afterMs = AFTER_MS;
  readonly #options: UsbPortCutOptions;
  readonly #sysfs: string;
  readonly #offFiles = new Set<string>();

  constructor(options: UsbPortCutOptions) {
    this.#options = options;
    this.#sysfs = options.sysfsFolder ?? '/sys';
  }

  get isOff(): boolean {
    return this.#offFiles.size > 0;
  }

  /** Resolves when every port that may be the SAM's is off; they come on again by themselves. Rejects `sam.lock-failed`. */
  async cut(signal: AbortSignal): Promise<void> {
    const devices = await this.#findReaders();
    if (devices.length === 0) throw this.#refuse('not-found');
    signal.throwIfAborted();
    await Promise.all(devices.map((device) => this.#cutPortOf(device)));
  }

  /** Switches on what a process before this one left off. Never rejects. */
  async restore(): Promise<void> {
    const root = join(this.#sysfs, 'bus/usb/devices');
    const interfaces = (await readdir(root).catch(() => [])).filter((name) => name.includes(':'));
    for (const name of interfaces) {
      const entries = await readdir(join(root, name)).catch(() => []);
      for (const entry of entries.filter((entry) => PORT.test(entry))) {
        const file = join(root, name, entry, 'disable');
        const state = await readFile(file, 'utf8').catch(() => ON);
        if (state.trim() === OFF) await write(file, ON).catch(ignore);
      }
    }
  }

  /** With two of a kind both: one of them without power for a second is better than a SAM with it. */
  async #findReaders(): Promise<readonly UsbDevice[]> {
    const { usbId, deviceName } = this.#options;
    const devices = await listSmartCardReaders(this.#sysfs);
    return usbId === undefined ? ofName(devices, { deviceName: deviceName() }) : ofKind(devices, { usbId });
  }

  async #cutPortOf({ folder, busId }: UsbDevice): Promise<void> {
    // The way over the device ends with it.
    const file = join(await realpath(join(folder, 'port')).catch(() => folder), 'disable');
    try {
      this.#offFiles.add(file);
      await write(file, OFF);
      this.#options.logger.warn('usb.port-off', { busId });
      void this.#giveBack(file, busId);
    } catch (thrown) {
      this.#offFiles.delete(file);
      throw this.#refuse((thrown as NodeJS.ErrnoException).code ?? 'failed');
    }
  }

  async #giveBack(file: string, busId: string): Promise<void> {
    const { clock, logger } = this.#options;
    for (let attempt = 0; attempt < ON_ATTEMPTS; attempt += 1) {
      await clock.sleep(OFF_MS);
      try {
        await write(file, ON);
        logger.warn('usb.port-on', { busId });
        this.#offFiles.delete(file);
        return;
      } catch {}
    }
    this.#offFiles.delete(file);
    logger.error('usb.port-stays-off', { busId });
  }

  #refuse(reason: string): SekishoError {
    this.#options.logger.warn('usb.port-not-cut', { reason });
    return new SekishoError('sam.lock-failed', { context: { reason } });
  }
}

/** Never creates: in sysfs there is nothing to create. */
async function write(file: string, text: string): Promise<void> {
  await writeFile(file, text, { flag: 'r+' });
}

function ignore(): void {}
