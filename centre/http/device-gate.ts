/**
 * Who is at the other end of a TLS connection: the institution by its client certificate, and the SAM by its
 * signature over the exporter of this very connection (`appliance/contract/centre/service-provider.ts`).
 */
import { verify } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { DeviceProof } from '#contract/centre/service-provider.ts';
import {
  DEVICE_PROOF_EXPORTER_BYTES,
  DEVICE_PROOF_EXPORTER_LABEL,
  ORDERS_HEADER,
  ORDERS_WAITING,
} from '#contract/centre/wire.ts';
import { MalformedDer } from '../asn1/tlv.ts';
import { type Certificate, parseCertificate, validatePath } from '../pki/certificate.ts';
import { findAttribute } from '../pki/name.ts';
import type { RevocationRegister } from '../pki/revocation-register.ts';
import { parseJson } from './json.ts';
import { CentreRefusal, problemReply, type Reply } from './problem.ts';
import type { Call, Route } from './route.ts';

export interface ProvenDevice {
  readonly samId: string;
  readonly institutionCode: string;
  /** Serial of the device certificate. */
  readonly serial: Buffer;
}

export interface DeviceGate {
  /** POST /v1/device/proof, and `routes`, each of which tells the device when an order waits for it. */
  withProof(routes: readonly Route[]): Route[];
  /** The device of the connection; refuses with 401 until it has proven itself. */
  deviceOf(call: Call): ProvenDevice;
}

export interface DeviceGateOptions {
  readonly deviceAuthority: Certificate;
  readonly revocations: RevocationRegister;
  readonly nowMs: () => number;
  /** A further condition, asked at the proof and again at every request; throws a refusal. */
  readonly admit?: (device: ProvenDevice) => void;
  /** A revoked device that may still prove itself, to be told what it has to do. */
  readonly toleratesRevoked?: (device: ProvenDevice) => boolean;
  readonly hasOrders: (device: ProvenDevice) => boolean;
}

const PROOF_PREFIX = Buffer.from('SEKISHO-DEVICE-1', 'ascii');

export function createDeviceGate(options: DeviceGateOptions): DeviceGate {
  const proven = new WeakMap<TLSSocket, ProvenDevice>();
  const check = (device: ProvenDevice): ProvenDevice => {
    const isRevoked = options.revocations.find(options.deviceAuthority.keyId, device.serial) !== undefined;
    if (isRevoked && options.toleratesRevoked?.(device) !== true) {
      throw new CentreRefusal('device-revoked', 'This device is revoked.');
    }
    options.admit?.(device);
    return device;
  };
  const proofRoute: Route = {
    method: 'POST',
    path: '/v1/device/proof',
    mediaType: 'application/json',
    handle({ tls, body }) {
      if (tls === undefined) throw new CentreRefusal('device-proof-wrong', 'The proof needs TLS.');
      const device = verifyProof(options, tls, parseJson(DeviceProof, body));
      // Who it is is known, also when it is not let in; each request is checked anew.
      proven.set(tls, device);
      check(device);
      return { status: 204 };
    },
  };
  const telling = (route: Route): Route => ({
    ...route,
    async handle(call) {
      const reply = await replyOf(route, call);
      const device = call.tls === undefined ? undefined : proven.get(call.tls);
      if (device === undefined || !options.hasOrders(device)) return reply;
      return { ...reply, headers: { ...reply.headers, [ORDERS_HEADER]: ORDERS_WAITING } };
    },
  });
  return {
    withProof: (routes) => [proofRoute, ...routes].map(telling),
    deviceOf({ tls }) {
      const device = tls === undefined ? undefined : proven.get(tls);
      if (device === undefined) {
        throw new CentreRefusal('device-proof-missing', 'Prove the device on this connection first.');
      }
      return check(device);
    },
  };
}

async function replyOf(route: Route, call: Call): Promise<Reply> {
  try {
    return await route.handle(call);
  } catch (thrown) {
    if (thrown instanceof CentreRefusal) return problemReply(thrown);
    throw thrown;
  }
}

function verifyProof(options: DeviceGateOptions, tls: TLSSocket, proof: DeviceProof): ProvenDevice {
  const wrong = new CentreRefusal('device-proof-wrong', 'The device proof is wrong.');
  const certificate = parseDeviceCertificate(proof.deviceCertificate, wrong);
  if (!validatePath(certificate, [options.deviceAuthority], options.nowMs()).ok) throw wrong;
  const signed = Buffer.concat([PROOF_PREFIX, exporterOf(tls)]);
  if (!verify('sha256', signed, certificate.publicKey, Buffer.from(proof.signature, 'base64'))) throw wrong;
  const samId = findAttribute(certificate.subject, 'CN');
  if (samId === undefined || !/^[0-9a-f]{16}$/.test(samId)) throw wrong;
  return { samId, institutionCode: institutionOf(tls), serial: certificate.serial };
}

/** Whose TLS client certificate it is: enough where no device has to be proven. */
export function institutionOf(tls: TLSSocket | undefined): string {
  const institutionCode = tls?.getPeerCertificate().subject?.CN;
  if (typeof institutionCode === 'string' && /^\d{10}$/.test(institutionCode)) return institutionCode;
  throw new CentreRefusal('device-proof-wrong', 'The client certificate is not of an institution.');
}

function parseDeviceCertificate(base64: string, wrong: CentreRefusal): Certificate {
  try {
    return parseCertificate(Buffer.from(base64, 'base64'));
  } catch (thrown) {
    throw thrown instanceof MalformedDer ? wrong : thrown;
  }
}

/** RFC 8446 §7.5 / RFC 5705 §4, without a context value. */
function exporterOf(tls: TLSSocket): Buffer {
  const withoutContext = tls.exportKeyingMaterial.bind(tls) as (length: number, label: string) => Buffer;
  return withoutContext(DEVICE_PROOF_EXPORTER_BYTES, DEVICE_PROOF_EXPORTER_LABEL);
}
