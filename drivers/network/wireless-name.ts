/** The name of the wireless network (SSID), from Debian's `iw`. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';

/** From `iw dev DEVICE info`; bytes that are not printable stay escaped as iw prints them. */
export function wirelessNameOf(text: string): string | undefined {
  return /^\s*ssid (.+)$/m.exec(text)?.[1];
}

/** Undefined for a wired card, or when it is on no network. */
export function readWirelessName(device: string): Promise<string | undefined> {
  if (!existsSync(`/sys/class/net/${device}/phy80211`)) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    execFile('iw', ['dev', device, 'info'], { timeout: 2_000 }, (error, stdout) =>
      resolve(error === null ? wirelessNameOf(stdout) : undefined),
    );
  });
}
