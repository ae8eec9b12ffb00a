/**
 * A USB port with a reader on it, as a tree of files that looks like sysfs: who writes to its `disable` takes the reader away
 * and gives it back. Stands in for kernel, hub and reader; what hangs on the port is the caller's.
 */
import {
  existsSync,
  type FSWatcher,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface VirtualUsbPortOptions {
  /** As the device calls itself; pcscd names its slots after it. */
  readonly product: string;
  readonly onOff?: () => void;
  /** Once it is enumerated again. */
  readonly onOn?: () => void;
  readonly enumerationMs?: number;
}

const BUS_ID = '1-2';
const PORT = '1-0:1.0/usb1-port2';

export class VirtualUsbPort {
  readonly sysfsFolder = mkdtempSync(join(tmpdir(), 'sekisho-usb-'));
  readonly #options: VirtualUsbPortOptions;
  readonly #watch: FSWatcher;
  #isOn = true;
  #enumerating: NodeJS.Timeout | undefined;

  constructor(options: VirtualUsbPortOptions) {
    this.#options = options;
    mkdirSync(this.#at(PORT), { recursive: true });
    writeFileSync(this.switchFile, '0\n');
    this.#plugIn();
    this.#watch = watch(this.switchFile, () => this.#switch());
  }

  get switchFile(): string {
    return this.#at(PORT, 'disable');
  }

  close(): void {
    clearTimeout(this.#enumerating);
    this.#watch.close();
    rmSync(this.sysfsFolder, { recursive: true });
  }

  #switch(): void {
    const state = existsSync(this.switchFile) ? readFileSync(this.switchFile, 'utf8').trim() : '';
    const isOn = state === '' ? this.#isOn : state === '0';
    if (isOn === this.#isOn) return;
    this.#isOn = isOn;
    clearTimeout(this.#enumerating);
    const { onOff, onOn, enumerationMs = 0 } = this.#options;
    if (!isOn) {
      onOff?.();
      for (const name of [BUS_ID, `${BUS_ID}:1.0`]) rmSync(this.#at(name), { recursive: true, force: true });
      return;
    }
    this.#enumerating = setTimeout(() => {
      this.#plugIn();
      onOn?.();
    }, enumerationMs);
  }

  #plugIn(): void {
    mkdirSync(this.#at(`${BUS_ID}:1.0`), { recursive: true });
    writeFileSync(this.#at(`${BUS_ID}:1.0`, 'bInterfaceClass'), '0b\n');
    mkdirSync(this.#at(BUS_ID), { recursive: true });
    const files = { idVendor: '072f', idProduct: '223b', product: this.#options.product };
    for (const [name, text] of Object.entries(files)) writeFileSync(this.#at(BUS_ID, name), `${text}\n`);
    symlinkSync(join('..', PORT), this.#at(BUS_ID, 'port'));
  }

  #at(...path: string[]): string {
    return join(this.sysfsFolder, 'bus/usb/devices', ...path);
  }
}
