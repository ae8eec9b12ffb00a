/** An appliance as the centre sees it: TLS client certificate, device key, one connection. Tests only. */
import { createPublicKey, type KeyObject, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Agent, Agent as HttpsAgent, request } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { DEVICE_PROOF_EXPORTER_BYTES, DEVICE_PROOF_EXPORTER_LABEL } from '#contract/centre/wire.ts';
import type { CentreParts } from '../parts.ts';
import { generatePrivateKey } from '../pki/algorithm.ts';
import { encodePem } from '../pki/key-folder.ts';
import { issueSamDevice, issueTlsClient } from '../pki/role-certificate.ts';

export const INSTITUTION = '1312345678';
export const NETWORK_ID = 'a0a1a2a3a4a5a6a7a8a9aaabacadaeaf';

export interface Answer {
  readonly status: number;
  readonly type: string | undefined;
  /** `sekisho-orders`. */
  readonly orders: string | undefined;
  readonly body: string;
}

export interface ScriptedAppliance {
  readonly samId: string;
  readonly deviceKey: KeyObject;
  readonly deviceCertificate: Buffer;
  readonly agent: Agent;
  send(method: string, url: string, body?: unknown, type?: string): Promise<Answer>;
  /** Proves the device on the connection of `send` (one connection per agent). */
  prove(baseUrl: string, change?: (signature: Buffer) => Buffer): Promise<Answer>;
  close(): void;
}

export interface ApplianceOptions {
  readonly samId?: string;
  readonly institutionCode?: string;
  readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3';
}

export function createAppliance(
  parts: Pick<CentreParts, 'pki' | 'administration'>,
  {
    samId = '5341000000000001',
    institutionCode = INSTITUTION,
    maxVersion = 'TLSv1.3',
  }: ApplianceOptions = {},
): ScriptedAppliance {
  const deviceKey = generatePrivateKey('p-256');
  const tlsKey = generatePrivateKey('p-256');
  const deviceCertificate = issueSamDevice(parts.pki, { samId, publicKey: createPublicKey(deviceKey) });
  const tlsCertificate = issueTlsClient(parts.pki, { institutionCode, publicKey: createPublicKey(tlsKey) });
  parts.administration.registerDevice({
    deviceCertificate,
    institutionCode,
    networkIds: [NETWORK_ID],
    maxUses: 200,
    maxTicks: 36_000,
  });
  const agent = new HttpsAgent({
    keepAlive: true,
    maxSockets: 1,
    ca: readFileSync(parts.pki.centreTls.certificateFile),
    key: tlsKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: encodePem(tlsCertificate),
    maxVersion,
  });
  const prove: ScriptedAppliance['prove'] = async (baseUrl, change = (signature) => signature) => {
    const exporter = await exporterOf(agent, baseUrl);
    const signed = Buffer.concat([Buffer.from('SEKISHO-DEVICE-1'), exporter]);
    return send(agent, 'POST', `${baseUrl}/v1/device/proof`, {
      deviceCertificate: deviceCertificate.toString('base64'),
      signature: change(sign('sha256', signed, deviceKey)).toString('base64'),
    });
  };
  return {
    samId,
    deviceKey,
    deviceCertificate,
    agent,
    prove,
    send: (...args) => send(agent, ...args),
    close: () => agent.destroy(),
  };
}

/** The exporter of the connection that the agent keeps; the refused request only opens it. */
function exporterOf(agent: Agent, baseUrl: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const opening = request(`${baseUrl}/`, { agent }, (response) => {
      const socket = response.socket as TLSSocket;
      const exportBytes = socket.exportKeyingMaterial.bind(socket) as (
        length: number,
        label: string,
      ) => Buffer;
      const exporter = exportBytes(DEVICE_PROOF_EXPORTER_BYTES, DEVICE_PROOF_EXPORTER_LABEL);
      response.resume().once('end', () => resolve(exporter));
    });
    opening.once('error', reject).end();
  });
}

export function send(
  agent: Agent | undefined,
  method: string,
  url: string,
  body?: unknown,
  type = 'application/json',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const payload = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    const headers =
      payload === undefined ? {} : { 'Content-Type': type, 'Content-Length': Buffer.byteLength(payload) };
    const sending = request(
      url,
      { method, headers, ...(agent === undefined ? {} : { agent }) },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', reject);
        response.once('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            type: response.headers['content-type'],
            orders: [response.headers['sekisho-orders']].flat()[0],
            body: Buffer.concat(chunks).toString('utf8'),
          }),
        );
      },
    );
    sending.once('error', reject).end(payload);
  });
}
