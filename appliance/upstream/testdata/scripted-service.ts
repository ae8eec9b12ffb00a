/** A small HTTPS service for tests: checks the device proof by its own means and then does what the script says. */
import { createPublicKey, verify } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type ServerOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import type { TLSSocket } from 'node:tls';

export type Script = (
  request: IncomingMessage,
  response: ServerResponse,
  body: string,
) => void | Promise<void>;

export interface ScriptedService {
  readonly url: string;
  /** "proof" and "METHOD path" in the order of arrival, with the number of the connection. */
  readonly heard: readonly string[];
  readonly resumed: number;
  script: Script;
  /** Answers the proof in another way; undefined = judges it. */
  proofScript: Script | undefined;
  cutConnections(): void;
  close(): Promise<void>;
}

export function answerJson(
  response: ServerResponse,
  status: number,
  message: unknown,
  type = 'application/json',
): void {
  response.writeHead(status, { 'Content-Type': type }).end(JSON.stringify(message));
}

function isProven(socket: TLSSocket, body: string): boolean {
  const { deviceCertificate, signature } = JSON.parse(body) as {
    deviceCertificate: string;
    signature: string;
  };
  const exported = socket.exportKeyingMaterial(32, 'EXPORTER-sekisho-device-proof', undefined as never);
  const pem = `-----BEGIN CERTIFICATE-----\n${deviceCertificate}\n-----END CERTIFICATE-----`;
  const signed = Buffer.concat([Buffer.from('SEKISHO-DEVICE-1'), exported]);
  return verify('sha256', signed, createPublicKey(pem), Buffer.from(signature, 'base64'));
}

export async function openScriptedService(tls: ServerOptions, script: Script): Promise<ScriptedService> {
  const heard: string[] = [];
  const sockets: Socket[] = [];
  const numbers = new Map<object, number>();
  const proven = new WeakSet<object>();
  const state = { script, proofScript: undefined as Script | undefined, resumed: 0 };
  const judgeProof: Script = (request, response, body) => {
    if (isProven(request.socket as TLSSocket, body)) proven.add(request.socket);
    response.writeHead(proven.has(request.socket) ? 204 : 403).end();
  };
  const scriptFor = (request: IncomingMessage): Script => {
    if (request.url === '/v1/device/proof') return state.proofScript ?? judgeProof;
    if (proven.has(request.socket)) return state.script;
    return (_, response) => void response.writeHead(401).end();
  };
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request);
    const what = request.url === '/v1/device/proof' ? 'proof' : `${request.method} ${request.url}`;
    heard.push(`${numbers.get(request.socket)} ${what}`);
    await scriptFor(request)(request, response, body);
  };
  const server = createServer(
    { ...tls, requestCert: true, rejectUnauthorized: true },
    (request, response) => {
      handle(request, response).catch(() => response.destroy());
    },
  );
  server.on('secureConnection', (socket) => {
    numbers.set(socket, numbers.size + 1);
    if (socket.isSessionReused()) state.resumed += 1;
  });
  server.on('connection', (socket: Socket) => sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(state, {
    url: `https://localhost:${(server.address() as AddressInfo).port}`,
    heard,
    cutConnections: () => {
      for (const socket of sockets.splice(0)) socket.destroy();
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  });
}
