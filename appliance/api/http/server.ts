/** The HTTPS server: TLS, limits against slow and many clients, and an orderly end. */
import type { RequestListener, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { ERRORS, SekishoError } from '#contract/errors.ts';
import type { Problem } from '#contract/http/messages.ts';
import type { Gateway } from '#gateway/face.ts';
import type { Clock } from '#ports/clock.ts';
import type { Logger } from '#ports/logger.ts';
import type { Random } from '#ports/random.ts';
import { describeProblem, PROBLEM_MEDIA_TYPE } from '../problem.ts';
import { createApplication } from './application.ts';
import { createSnapshotStreams, type SnapshotStreams } from './events.ts';
import { createHandlers } from './handlers.ts';
import { createLateness } from './lateness.ts';
import { createRequestMetrics } from './metrics.ts';
import { describeApi } from './openapi.ts';
import { createRateLimit } from './rate-limit.ts';
import { createSessions } from './sessions.ts';
import { readStaticFiles } from './static-files.ts';

export interface ApiLimits {
  readonly bodyBytes: number;
  /** Connections beyond this are answered 503; beyond twice this they are closed unanswered. */
  readonly connections: number;
  readonly requestsPerSecond: number;
  readonly requestTimeoutMs: number;
}

export interface ApiOptions {
  readonly gateway: Gateway;
  readonly listen: { readonly host: string; readonly port: number };
  /** PEM. */
  readonly tls: { readonly key: string | Buffer; readonly cert: string | Buffer };
  readonly limits: ApiLimits;
  readonly heartbeatMs?: number;
  /** The built counter page; absent = API only. */
  readonly uiFolder?: string | undefined;
  readonly version: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** More Prometheus text from other rooms. */
  readonly metrics?: (() => string) | undefined;
}

export interface RunningApi {
  readonly url: string;
  readonly port: number;
  /** Requests that are under way have `graceMs`; then their connections are cut. */
  close(graceMs?: number): Promise<void>;
}

const HEARTBEAT_MS = 15_000;
const EVENT_STREAMS = { maxStreams: 128, maxStreamsPerClient: 32 };
const MAX_HEADER_BYTES = 8_192;
const KEEP_ALIVE_MS = 5_000;

/** Forward secrecy and AEAD only; TLS 1.3 suites come first by themselves. */
const TLS_1_2_CIPHERS = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
];
const TLS_1_3_CIPHERS = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'];

export async function startApi(options: ApiOptions): Promise<RunningApi> {
  const { gateway, clock, random, logger, limits, listen } = options;
  const sessions = createSessions(gateway, clock, random);
  const heartbeatMs = options.heartbeatMs ?? HEARTBEAT_MS;
  const streams = createSnapshotStreams({ gateway, clock, heartbeatMs, ...EVENT_STREAMS });
  const metrics = createRequestMetrics();
  const renderMetrics = (): string =>
    metrics.render(gateway.snapshot(), streams.count()) + (options.metrics?.() ?? '');
  const application = createApplication({
    note: (note) => gateway.access.note(note),
    handlers: createHandlers({ gateway, clock, renderMetrics, openApi: describeApi(options.version) }),
    sessions,
    streams,
    staticFiles: options.uiFolder === undefined ? new Map() : readStaticFiles(options.uiFolder),
    takeToken: createRateLimit(clock, limits.requestsPerSecond),
    metrics,
    maxBodyBytes: limits.bodyBytes,
    clock,
    random,
    logger,
  });
  const server = createTlsServer(options, application);
  const port = await listening(server, listen.host, listen.port);
  const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host;
  logger.info('api.listening', { host: listen.host, port });
  return {
    url: `https://${host}:${port}`,
    port,
    close: (graceMs = CLOSE_GRACE_MS) => closeServer(server, graceMs, streams, () => sessions.close()),
  };
}

function createTlsServer({ tls, limits, random }: ApiOptions, application: RequestListener): Server {
  const overloaded = new WeakSet<Duplex>();
  const lateness = createLateness();
  const server = createServer(
    {
      ...tls,
      minVersion: 'TLSv1.2',
      ciphers: [...TLS_1_3_CIPHERS, ...TLS_1_2_CIPHERS].join(':'),
      honorCipherOrder: true,
      handshakeTimeout: limits.requestTimeoutMs,
      headersTimeout: limits.requestTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      connectionsCheckingInterval: Math.min(1_000, limits.requestTimeoutMs / 4),
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
    },
    (request, response) => {
      lateness.noteRequest(request);
      if (!overloaded.has(request.socket)) application(request, response);
      else refuseOverload(response, random);
    },
  );
  server.maxConnections = limits.connections * 2;
  let open = 0;
  server.on('secureConnection', (socket) => {
    lateness.noteHandshake(socket);
    open += 1;
    if (open > limits.connections) overloaded.add(socket);
    socket.on('close', () => {
      open -= 1;
    });
  });
  server.on('clientError', ({ code = '' }: NodeJS.ErrnoException, socket) => {
    const refuse = (): void => refuseConnection(socket, clientError(code), random);
    if (TIMEOUTS.includes(code)) lateness.judge(socket, refuse);
    else refuse();
  });
  return server;
}

const TIMEOUTS: readonly string[] = ['ERR_HTTP_REQUEST_TIMEOUT', 'ERR_TLS_HANDSHAKE_TIMEOUT'];

/** What the HTTP parser could not take never becomes a request. */
function clientError(code: string): SekishoError {
  if (TIMEOUTS.includes(code)) return new SekishoError('request.timeout');
  if (code === 'HPE_HEADER_OVERFLOW') return new SekishoError('request.too-large');
  return new SekishoError('request.malformed');
}

function refuseOverload(response: ServerResponse, random: Random): void {
  const problem = problemBeforeRouting(new SekishoError('request.overloaded'), random);
  response.writeHead(problem.status, {
    Connection: 'close',
    'Retry-After': 1,
    'Content-Type': PROBLEM_MEDIA_TYPE,
  });
  response.end(JSON.stringify(problem));
}

/** Nothing is known of the language yet, so it is Japanese. */
function problemBeforeRouting(error: SekishoError, random: Random): Problem {
  return describeProblem(error, Buffer.from(random.bytes(8)).toString('hex'), 'ja');
}

function refuseConnection(socket: Duplex, error: SekishoError, random: Random): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const problem = problemBeforeRouting(error, random);
  const body = Buffer.from(JSON.stringify(problem));
  const head = [
    `HTTP/1.1 ${problem.status} ${ERRORS[error.code].en.title}`,
    'Connection: close',
    `Content-Type: ${PROBLEM_MEDIA_TYPE}`,
    `Content-Length: ${body.length}`,
  ];
  socket.end(Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]));
}

/** Rejects with `config.address-unusable`. */
function listening(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error): void =>
      reject(new SekishoError('config.address-unusable', { field: 'listen.port', cause }));
    server.once('error', fail);
    server.listen({ host, port, backlog: 1_024 }, () => {
      server.off('error', fail);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

const CLOSE_GRACE_MS = 2_000;

/** Stops listening, ends the streams, lets running requests finish for a moment, then cuts. */
function closeServer(
  server: Server,
  graceMs: number,
  streams: SnapshotStreams,
  release: () => void,
): Promise<void> {
  streams.close();
  release();
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}
