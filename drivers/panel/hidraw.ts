/** The only file that names `node-hid`: reports of one HID device, as they come. */
import { HIDAsync } from 'node-hid';

export interface HidLine {
  close(): Promise<void>;
}

export interface HidLineListener {
  /** The bytes are the receiver's, to overwrite when read. */
  onReport(report: Uint8Array): void;
  /** Unplugged, or not readable any more; nothing comes after this. */
  onLost(): void;
}

export type OpenHidLine = (path: string, listener: HidLineListener) => Promise<HidLine>;

/** Rejects when the device is missing or this user may not read it. */
export const openHidraw: OpenHidLine = async (path, listener) => {
  const device = await HIDAsync.open(path);
  let isLost = false;
  device.on('data', (report: Buffer) => listener.onReport(report));
  device.on('error', () => {
    if (!isLost) listener.onLost();
    isLost = true;
  });
  return {
    close: async () => {
      isLost = true;
      // Closing what has gone fails, and is done all the same.
      await device.close().catch(() => undefined);
    },
  };
};
