/** One listening service: limits, deadlines, routing, problems and faults, over plain HTTP or TLS. */
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import { type AddressInfo, isIPv6, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { TLSSocket } from 'node:tls';
import { SekishoError } from '#contract/errors.ts';
import { createFaultSwitch, type FaultSwitch, type ServiceFaults } from './faults.ts';
import { CentreRefusal, problemReply, type Reply } from './problem.ts';
import { matchRoute, type Route } from './route.ts';

/** PEM material of a TLS listener. */
export interface TlsIdentity {
  readonly key: string;
  readonly certificate: string;
}

export interface ServiceTls {
  readonly identity: TlsIdentity;
  /** Shown instead while `wrongTlsCertificate` is on. */
  readonly wrongIdentity: TlsIdentity;
  /** PEM of the authority of client certificates; without it no client certificate is asked for. */
  readonly clientAuthority: string | undefined;
}

export interface ServiceOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly routes: readonly Route[];
  readonly tls?: ServiceTls | undefined;
  readonly maxBodyBytes?: number | undefined;
  /** From the first byte of a request to its last. */
  readonly requestTimeoutMs?: number | undefined;
  /** Told about whatever was thrown that is not a refusal. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

export interface Service {
  readonly url: string;
  readonly port: number;
  readonly faults: FaultSwitch;
  close(): Promise<void>;
}

const DEFAULT_MAX_BODY_BYTES = 64 * 1024;
const DEFAULT_REQUEST_TIMEOUT_MS = 10_000;
/** Long, because a device proves itself once per connection. */
const KEEP_ALIVE_MS = 120_000;
const MAX_CONNECTIONS = 4_000;
const GARBAGE = Buffer.from('00ff1b5b7b22', 'hex');

export async function startService(options: ServiceOptions): Promise<Service> {
  const sockets = new Set<Socket>();
  const closing = new AbortController();
  const faults = createFaultSwitch((current, before) => applyFaults(current, before));
  const server = createListener(options, (request, response) => {
    answer(options, faults, request, closing.signal)
      .then((reply) => {
        request.resume();
        send(response, reply);
      })
      .catch(() => response.destroy());
  });
  const applyFaults = (current: ServiceFaults, before: ServiceFaults): void => {
    const newIdentity = current.wrongTlsCertificate !== before.wrongTlsCertificate;
    if (newIdentity && options.tls !== undefined) {
      const shown = current.wrongTlsCertificate ? options.tls.wrongIdentity : options.tls.identity;
      (server as TlsServer).setSecureContext(secureContext(options.tls, shown));
    }
    // Proven connections live on through slowness and garbage, as they would through real ones.
    if (current.down || newIdentity) for (const socket of sockets) socket.destroy();
  };
  server.on('connection', (socket: Socket) => {
    if (faults.current.down) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', (_error, socket: TLSSocket) => socket.destroy());
  const port = await listen(server, options.host, options.port);
  const address = isIPv6(options.host) ? `[${options.host}]` : options.host;
  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://${address}:${port}`,
    port,
    faults,
    close: () =>
      new Promise((resolve) => {
        closing.abort();
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function createListener(
  options: ServiceOptions,
  onRequest: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  const requestTimeout = options.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS;
  const http: ServerOptions = {
    requestTimeout,
    headersTimeout: requestTimeout,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: Math.min(1_000, requestTimeout),
    maxHeaderSize: 8 * 1024,
  };
  const { tls } = options;
  const server =
    tls === undefined
      ? createServer(http, onRequest)
      : createTlsServer(
          {
            ...http,
            ...secureContext(tls, tls.identity),
            handshakeTimeout: requestTimeout,
            requestCert: tls.clientAuthority !== undefined,
            rejectUnauthorized: tls.clientAuthority !== undefined,
          },
          onRequest,
        );
  server.maxConnections = MAX_CONNECTIONS;
  return server;
}

interface SecureContext {
  key: string;
  cert: string;
  minVersion: 'TLSv1.2';
  ca?: string;
}

const secureContext = (tls: ServiceTls, identity: TlsIdentity): SecureContext => ({
  key: identity.key,
  cert: identity.certificate,
  minVersion: 'TLSv1.2',
  ...(tls.clientAuthority === undefined ? {} : { ca: tls.clientAuthority }),
});

/** Rejects with `config.address-unusable`. */
function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error): void => reject(new SekishoError('config.address-unusable', { cause }));
    server.once('error', fail);
    server.listen(port, host, () => {
      server.off('error', fail);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/** Never rejects for anything a client did. */
async function answer(
  options: ServiceOptions,
  faults: FaultSwitch,
  request: IncomingMessage,
  closing: AbortSignal,
): Promise<Reply> {
  const reply = await handle(options, request).catch((thrown: unknown) => {
    if (thrown instanceof CentreRefusal) return problemReply(thrown);
    options.onError?.(thrown);
    return problemReply(new CentreRefusal('internal', 'Internal error.'));
  });
  const { delayMs, garbage } = faults.current;
  if (delayMs > 0) await sleep(delayMs, undefined, { signal: closing, ref: false });
  return garbage ? { ...reply, status: 200, body: GARBAGE } : reply;
}

async function handle(options: ServiceOptions, request: IncomingMessage): Promise<Reply> {
  const body = await readBody(request, options.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES);
  const url = parseTarget(request.url ?? '/');
  const { route, parameters } = matchRoute(options.routes, request.method ?? 'GET', url.pathname);
  const mediaType = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (route.mediaType !== undefined && mediaType !== route.mediaType) {
    throw new CentreRefusal('message-invalid', `Send ${route.mediaType}.`, 415);
  }
  const tls = request.socket instanceof TLSSocket ? request.socket : undefined;
  return await route.handle({ url, parameters, body, tls });
}

function parseTarget(target: string): URL {
  try {
    // Joined, not resolved: a target that begins with two slashes is a path and not another host.
    return new URL(`http://centre.invalid${target}`);
  } catch {
    throw new CentreRefusal('message-invalid', 'The request target is malformed.', 400);
  }
}

async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const tooLarge = new CentreRefusal('limits-exceeded', 'The body is too large.', 413);
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge;
  const chunks: Buffer[] = [];
  let lengthBytes = 0;
  try {
    // Not destroyed on an early return: the refusal still has to go out on the same socket.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      lengthBytes += chunk.length;
      if (lengthBytes > maxBytes) throw tooLarge;
      chunks.push(chunk);
    }
  } catch (thrown) {
    throw thrown === tooLarge ? thrown : new CentreRefusal('message-invalid', 'The body was cut short.', 400);
  }
  return Buffer.concat(chunks);
}

function send(response: ServerResponse, reply: Reply): void {
  const body =
    typeof reply.body === 'string' ? Buffer.from(reply.body, 'utf8') : Buffer.from(reply.body ?? []);
  const headers: Record<string, string | number> = { 'Cache-Control': 'no-store', ...reply.headers };
  if (reply.mediaType !== undefined) headers['Content-Type'] = reply.mediaType;
  if (reply.status !== 204) headers['Content-Length'] = body.length;
  // An oversized body is not waited for: the connection ends with the answer.
  if (reply.status === 413) headers.Connection = 'close';
  response.writeHead(reply.status, headers).end(reply.status === 204 ? undefined : body);
}
