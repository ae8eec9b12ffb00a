/** Who may ask any service of the centre: a device that is registered, in force, and of the institution that connects. */
import type { ProvenDevice } from '../http/device-gate.ts';
import { CentreRefusal } from '../http/problem.ts';
import type { DeviceRecord, Registry } from './registry.ts';

/** Throws `device-unknown` or `device-revoked`: the SAM of one clinic behind another's TLS key is nobody's device. */
export function requireDevice(registry: Registry, proven: ProvenDevice): DeviceRecord {
  const device = requireKnown(registry, proven);
  if (isOver(registry, device)) throw new CentreRefusal('device-revoked', 'This device is revoked.');
  return device;
}

/**
 * The keys of a SAM go to another one only after an administrator of the SP took it out of service: otherwise a copy of one
 * box's disk would open in the next box of the same clinic. Throws `limits-exceeded`.
 */
export function requireOutOfService(registry: Registry, samId: string): void {
  const device = registry.findDevice(samId);
  if (device !== undefined && !isOver(registry, device))
    throw new CentreRefusal(
      'limits-exceeded',
      'That SAM is in force: revoke it before another one replaces it.',
    );
}

function isOver(registry: Registry, { revoked, samId }: DeviceRecord): boolean {
  return revoked || registry.disableOrders.isOrdered(samId);
}

/** Also one that is revoked. Throws `device-unknown`. */
export function requireKnown(registry: Registry, proven: ProvenDevice): DeviceRecord {
  const device = registry.findDevice(proven.samId);
  if (device === undefined || device.institutionCode !== proven.institutionCode) {
    throw new CentreRefusal('device-unknown', 'This device is not registered for this institution.');
  }
  return device;
}
