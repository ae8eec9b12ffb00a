/** Who may ask any service of the centre: a device that is registered, in force, and of the institution that connects. */
import type { ProvenDevice } from '../http/device-gate.ts';
import { CentreRefusal } from '../http/problem.ts';
import type { DeviceRecord, Registry } from './registry.ts';

/** Throws `device-unknown` or `device-revoked`: the SAM of one clinic behind another's TLS key is nobody's device. */
export function requireDevice(registry: Registry, proven: ProvenDevice): DeviceRecord {
  const device = requireKnown(registry, proven);
  const isOver = device.revoked || registry.disableOrders.isOrdered(device.samId);
  if (isOver) throw new CentreRefusal('device-revoked', 'This device is revoked.');
  return device;
}

/** Also one that is revoked. Throws `device-unknown`. */
export function requireKnown(registry: Registry, proven: ProvenDevice): DeviceRecord {
  const device = registry.findDevice(proven.samId);
  if (device === undefined || device.institutionCode !== proven.institutionCode) {
    throw new CentreRefusal('device-unknown', 'This device is not registered for this institution.');
  }
  return device;
}
