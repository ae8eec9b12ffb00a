/** What an administrator of the SP does: register and revoke devices, keep rosters, order a SAM to disable itself. */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import type { OperatorRole } from '#contract/centre/service-provider.ts';
import { keyKind } from '../pki/algorithm.ts';
import { parseCertificate } from '../pki/certificate.ts';
import { findAttribute } from '../pki/name.ts';
import type { RevocationRegister } from '../pki/revocation-register.ts';
import type { OperatorRecord, Registry } from './registry.ts';
import { signDisableOrder } from './sam-order.ts';

export interface DeviceRegistration {
  /** X.509 DER; its common name is the SAM id. */
  readonly deviceCertificate: Uint8Array;
  readonly institutionCode: string;
  /** Networks where it may be unlocked, 32 hex digits each. */
  readonly networkIds: readonly string[];
  readonly maxUses: number;
  /** 0 = no limit. */
  readonly maxTicks: number;
}

export interface OperatorRegistration {
  /** DER SubjectPublicKeyInfo of the card's authentication key. */
  readonly publicKey: Uint8Array;
  readonly displayName: string;
  readonly roles: readonly OperatorRole[];
  readonly cardKind: 'hpki' | 'my-number';
}

export interface Administration {
  /** The SAM id. Registering again replaces networks and limits and takes an order to disable back, and lifts nothing that is revoked for good. */
  registerDevice(registration: DeviceRegistration): string;
  /** Ends everything: no proof, no unlock, at any service. */
  revokeDevice(samId: string): void;
  /** The key id under which the SAM will know the operator. */
  addOperator(institutionCode: string, operator: OperatorRegistration): string;
  suspendOperator(institutionCode: string, keyId: string, suspended: boolean): void;
  /** No service but this one answers the device any more, and its SAM is dead as soon as it asks here. */
  disableDevice(samId: string): void;
  /** Data field of the DISABLE command, for a challenge that the SAM gave. */
  orderDisable(samId: string, challenge: string): Buffer;
}

export interface AdministrationOptions {
  readonly registry: Registry;
  readonly revocations: RevocationRegister;
  readonly deviceAuthorityKeyId: string;
  readonly signingKey: KeyObject;
  readonly nowMs: () => number;
}

export function createAdministration(options: AdministrationOptions): Administration {
  const { registry } = options;
  return {
    registerDevice: (registration) => registerDevice(registry, registration),
    revokeDevice(samId) {
      const device = registry.findDevice(samId);
      if (device === undefined) throw new RangeError('no such device');
      registry.putDevice({ ...device, revoked: true });
      const { deviceAuthorityKeyId, nowMs } = options;
      options.revocations.revoke(deviceAuthorityKeyId, device.serial, 'cessationOfOperation', nowMs());
    },
    disableDevice(samId) {
      if (registry.findDevice(samId) === undefined) throw new RangeError('no such device');
      registry.disableOrders.order(samId, options.nowMs());
    },
    addOperator: (institutionCode, operator) => addOperator(registry, institutionCode, operator),
    suspendOperator(institutionCode, keyId, suspended) {
      const operator = registry.findOperator(institutionCode, keyId);
      if (operator === undefined) throw new RangeError('no such operator');
      registry.putOperator(institutionCode, { ...operator, suspended });
    },
    orderDisable: (samId, challenge) => signDisableOrder(options.signingKey, { samId, challenge }),
  };
}

function registerDevice(registry: Registry, registration: DeviceRegistration): string {
  const certificate = parseCertificate(registration.deviceCertificate);
  const samId = findAttribute(certificate.subject, 'CN');
  if (samId === undefined || !/^[0-9a-f]{16}$/.test(samId))
    throw new RangeError('no SAM id in the certificate');
  const { institutionCode, networkIds, maxUses, maxTicks } = registration;
  const limits = { maxUses, maxTicks };
  registry.putDevice({
    samId,
    institutionCode,
    networkIds,
    ...limits,
    serial: certificate.serial,
    revoked: false,
  });
  registry.disableOrders.lift(samId);
  return samId;
}

function addOperator(registry: Registry, institutionCode: string, operator: OperatorRegistration): string {
  const key = createPublicKey({ key: Buffer.from(operator.publicKey), format: 'der', type: 'spki' });
  // The two kinds that a SAM verifies (`docs/sam-profile.md` 4.4); any other would spoil the whole roster.
  if (!['rsa-2048', 'p-384'].includes(keyKind(key) ?? '')) throw new RangeError('key is RSA-2048 or P-384');
  const keyId = createHash('sha256').update(operator.publicKey).digest('hex');
  const record: OperatorRecord = {
    keyId,
    publicKey: operator.publicKey,
    displayName: operator.displayName,
    roles: [...operator.roles],
    suspended: false,
    cardKind: operator.cardKind,
  };
  registry.putOperator(institutionCode, record);
  return keyId;
}
