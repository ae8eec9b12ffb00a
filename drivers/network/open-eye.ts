/** The eye for a configuration: one card watched, or none. */
import type { Clock } from '#ports/clock.ts';
import type { Logger } from '#ports/logger.ts';
import type { NetworkEye } from '#ports/surroundings.ts';
import { readDhcpServer } from './dhcp-lease.ts';
import type { AddressFamily } from './ip-command.ts';
import { DeviceEye } from './network-eye.ts';
import { readWirelessName } from './wireless-name.ts';

export interface EyeSettings {
  /** The network card; undefined watches nothing (development). */
  readonly device: string | undefined;
  readonly family: AddressFamily;
  readonly dhcpLeaseFile: string | undefined;
}

/** Where no card is named the anchor alone decides. */
const UNWATCHED: NetworkEye = {
  start: (onEvent) => onEvent({ type: 'seeing', sight: { carrier: true, addresses: [] } }),
  close: async () => {},
};

export function openEye(
  { device, family, dhcpLeaseFile }: EyeSettings,
  clock: Clock,
  logger: Logger,
): NetworkEye {
  if (device === undefined) return UNWATCHED;
  return new DeviceEye({
    device,
    family,
    clock,
    logger,
    hints: async () => ({
      wirelessName: await readWirelessName(device),
      dhcpServer: dhcpLeaseFile === undefined ? undefined : await readDhcpServer(dhcpLeaseFile),
    }),
  });
}
