/** The SP's routes: device proof, SAM unlock, roster and its changes, data key of a replaced SAM, revoked cards and devices. */
import { createHash, type KeyObject } from 'node:crypto';
import { RosterChangeOrder } from '#contract/centre/roster-change.ts';
import {
  type DataKeyRewrapped,
  DataKeyRewrapRequest,
  type RevokedCards,
  type RevokedDevices,
  type RosterAnswer,
  type SamDisableOrder,
  SamDisableRequest,
  type SamOrders,
  type SamUnlockGrant,
  SamUnlockRequest,
} from '#contract/centre/service-provider.ts';
import { createDeviceGate, institutionOf, type ProvenDevice } from '../http/device-gate.ts';
import { parseJson } from '../http/json.ts';
import { CentreRefusal, jsonReply, type Reply } from '../http/problem.ts';
import type { Call, Route } from '../http/route.ts';
import type { Certificate } from '../pki/certificate.ts';
import type { RevocationRegister } from '../pki/revocation-register.ts';
import { requireDevice, requireKnown, requireOutOfService } from './admission.ts';
import type { OperatorRecord, Registry } from './registry.ts';
import type { RosterChanges } from './roster-changes.ts';
import type { SamKeyRegister } from './sam-keys.ts';
import { signDisableOrder, signRoster, signUnlockGrant } from './sam-order.ts';

export interface ServiceProviderOptions {
  readonly registry: Registry;
  readonly samKeys: SamKeyRegister;
  readonly rosterChanges: RosterChanges;
  readonly revocations: RevocationRegister;
  /** Those that issue patients' authentication certificates. */
  readonly authorities: readonly Certificate[];
  readonly deviceAuthority: Certificate;
  readonly signingKey: KeyObject;
  readonly nowMs: () => number;
}

export function serviceProviderRoutes(options: ServiceProviderOptions): Route[] {
  const { registry, deviceAuthority, revocations, nowMs } = options;
  // Whoever has to disable its SAM may come to fetch the order for it, and for nothing else.
  const gate = createDeviceGate({
    deviceAuthority,
    revocations,
    nowMs,
    admit: (device) => void requireKnown(registry, device),
    toleratesRevoked: ({ samId }) => registry.disableOrders.isOrdered(samId),
    hasOrders: ({ samId }) => registry.disableOrders.isOrdered(samId),
  });
  const admitted = (call: Call): ProvenDevice => {
    const device = gate.deviceOf(call);
    requireDevice(registry, device);
    return device;
  };
  return gate.withProof([
    {
      method: 'POST',
      path: '/v1/sam/unlock',
      mediaType: 'application/json',
      handle: (call) => unlock(options, admitted(call), parseJson(SamUnlockRequest, call.body)),
    },
    {
      method: 'GET',
      path: '/v1/roster',
      handle: (call) => roster(options, admitted(call)),
    },
    {
      method: 'POST',
      path: '/v1/roster/nonce',
      handle: (call) => jsonReply(200, options.rosterChanges.nonce(admitted(call))),
    },
    {
      method: 'POST',
      path: '/v1/roster/changes',
      mediaType: 'application/json',
      handle(call) {
        const device = admitted(call);
        options.rosterChanges.apply(device, parseJson(RosterChangeOrder, call.body));
        return roster(options, device);
      },
    },
    {
      method: 'POST',
      path: '/v1/data-key/rewrap',
      mediaType: 'application/json',
      handle: (call) => rewrap(options, admitted(call), parseJson(DataKeyRewrapRequest, call.body)),
    },
    {
      method: 'GET',
      path: '/v1/revoked-cards',
      handle: (call) => revokedCards(options, admitted(call)),
    },
    {
      method: 'GET',
      path: '/v1/orders',
      handle: (call) => orders(options, gate.deviceOf(call)),
    },
    {
      method: 'POST',
      path: '/v1/sam/disable',
      mediaType: 'application/json',
      handle: (call) => disable(options, gate.deviceOf(call), parseJson(SamDisableRequest, call.body)),
    },
    {
      method: 'GET',
      path: '/v1/revoked-devices',
      handle: ({ tls }) => revokedDevices(options, institutionOf(tls)),
    },
  ]);
}

function unlock(options: ServiceProviderOptions, proven: ProvenDevice, request: SamUnlockRequest): Reply {
  const device = requireDevice(options.registry, proven);
  if (request.samId !== device.samId) {
    throw new CentreRefusal('device-unknown', 'A device can unlock its own SAM only.');
  }
  if (!device.networkIds.includes(request.networkId)) {
    throw new CentreRefusal('limits-exceeded', 'The network is not registered for this device.');
  }
  const { maxUses, maxTicks } = device;
  const issuedAtMs = options.nowMs();
  // Logged first: there is no grant that the log does not know.
  options.registry.logGrant(device.samId, request.networkId, maxUses, issuedAtMs);
  const grant = signUnlockGrant(options.signingKey, { ...request, maxUses, maxTicks, issuedAtMs });
  const answer: SamUnlockGrant = { grant: grant.toString('base64'), maxUses, maxTicks };
  return jsonReply(200, answer);
}

function orders({ registry }: ServiceProviderOptions, { samId }: ProvenDevice): Reply {
  const answer: SamOrders = { disable: registry.disableOrders.isOrdered(samId) };
  return jsonReply(200, answer);
}

/** The SAM wants the order for a challenge of its own, so it is signed when the SAM asks. */
function disable(
  options: ServiceProviderOptions,
  { samId }: ProvenDevice,
  request: SamDisableRequest,
): Reply {
  const { disableOrders } = options.registry;
  if (request.samId !== samId || !disableOrders.isOrdered(samId)) {
    throw new CentreRefusal('not-found', 'There is no such order.');
  }
  disableOrders.noteSigned(samId, options.nowMs());
  const answer: SamDisableOrder = {
    order: signDisableOrder(options.signingKey, request).toString('base64'),
  };
  return jsonReply(200, answer);
}

function rewrap(options: ServiceProviderOptions, proven: ProvenDevice, request: DataKeyRewrapRequest): Reply {
  const { registry, samKeys, nowMs } = options;
  const device = requireDevice(registry, proven);
  const wrapped = samKeys.rewrap(request.fromSamId, Buffer.from(request.wrapped, 'hex'), device);
  requireOutOfService(registry, request.fromSamId);
  registry.logRewrap(request.fromSamId, device.samId, nowMs());
  const answer: DataKeyRewrapped = { wrapped: Buffer.from(wrapped).toString('hex') };
  return jsonReply(200, answer);
}

function roster(options: ServiceProviderOptions, { samId, institutionCode }: ProvenDevice): Reply {
  const { version, operators } = options.registry.roster(institutionCode);
  const answer: RosterAnswer = {
    version,
    operators: operators.map(({ publicKey: _inUpdateOnly, ...operator }: OperatorRecord) => operator),
    update: signRoster(options.signingKey, { samId, version, operators }).toString('base64'),
  };
  return jsonReply(200, answer);
}

/** All that are revoked, whether anybody asked about them or not: a card first met offline was never asked about. */
function revokedCards(options: ServiceProviderOptions, { institutionCode }: ProvenDevice): Reply {
  const hashes = options.authorities
    .flatMap(({ keyId }) => options.revocations.list(keyId))
    .map(({ serial }) => createHash('sha256').update(serial).update(institutionCode, 'ascii').digest('hex'));
  const answer: RevokedCards = { asOf: new Date(options.nowMs()).toISOString(), hashes };
  return jsonReply(200, answer);
}

/** For an anchor of that institution: it knows no device of another. */
function revokedDevices({ registry, nowMs }: ServiceProviderOptions, institutionCode: string): Reply {
  const disabled = registry.disableOrders.ordered(institutionCode);
  const answer: RevokedDevices = {
    asOf: new Date(nowMs()).toISOString(),
    devices: [...new Set([...registry.revokedDevices(institutionCode), ...disabled])].sort(),
  };
  return jsonReply(200, answer);
}
