/**
 * How often the carrier of a network card was lost, from sysfs. The kernel holds link events back for up to a second when the
 * last one is that young (linkwatch), and tells nothing of a cable that was out and in again within it; this counter does.
 * @see https://docs.kernel.org/networking/statistics.html, Documentation/ABI/testing/sysfs-class-net
 */
import { readFileSync } from 'node:fs';

/** Undefined when there is no such card. */
export function carrierLosses(device: string): number | undefined {
  try {
    return Number(readFileSync(`/sys/class/net/${device}/carrier_down_count`, 'latin1'));
  } catch {
    return undefined;
  }
}
