/** The API over a scripted gateway on a free port, with a throwaway certificate and a small client; for tests. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#ports/clock.ts';
import { type Logger, silentLogger } from '#ports/logger.ts';
import { systemRandom } from '#ports/random.ts';
import { type ApiLimits, type RunningApi, startApi } from '../http/server.ts';
import { ScriptedGateway } from './scripted-gateway.ts';

export interface ApiAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  json(): Record<string, unknown>;
}

export interface AskOptions {
  readonly body?: unknown;
  /** Sent as it is, instead of `body`. */
  readonly raw?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ScriptedApi {
  readonly gateway: ScriptedGateway;
  readonly api: RunningApi;
  readonly certificatePath: string;
  /** Ends, and is there again under the same address, knowing nobody. `meanwhile` happens in between. */
  restart(meanwhile: () => Promise<void>): Promise<void>;
  /** Signs in and answers the cookie. */
  signIn(): Promise<string>;
  ask(method: string, path: string, options?: AskOptions): Promise<ApiAnswer>;
  close(): Promise<void>;
}

export interface ScriptedApiOptions {
  readonly limits?: Partial<ApiLimits>;
  readonly heartbeatMs?: number;
  readonly uiFolder?: string;
  readonly logger?: Logger;
}

const LIMITS: ApiLimits = {
  bodyBytes: 16_384,
  connections: 2_048,
  requestsPerSecond: 10_000,
  requestTimeoutMs: 10_000,
};

export async function startScriptedApi(options: ScriptedApiOptions = {}): Promise<ScriptedApi> {
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-api-'));
  const certificatePath = join(folder, 'tls.crt');
  const tls = makeCertificate(join(folder, 'tls.key'), certificatePath);
  const gateway = new ScriptedGateway();
  const start = (port: number): Promise<RunningApi> =>
    startApi({
      gateway,
      listen: { host: '127.0.0.1', port },
      tls,
      limits: { ...LIMITS, ...options.limits },
      heartbeatMs: options.heartbeatMs ?? 15_000,
      uiFolder: options.uiFolder,
      version: '0.1.0',
      clock: systemClock,
      random: systemRandom,
      logger: options.logger ?? silentLogger,
    });
  let api = await start(0);
  const ask = (method: string, path: string, asked: AskOptions = {}): Promise<ApiAnswer> =>
    askApi(api.port, tls.cert, method, path, asked);
  return {
    gateway,
    get api() {
      return api;
    },
    certificatePath,
    ask,
    async restart(meanwhile) {
      const { port } = api;
      await api.close(0);
      gateway.change({}, { operator: undefined, operatorUntil: undefined, sam: 'locked', samUnlock: 'none' });
      await meanwhile();
      api = await start(port);
    },
    async signIn() {
      const answer = await ask('POST', '/v1/session', { body: { cardKind: 'my-number', pin: '1234' } });
      return String(answer.headers['set-cookie']?.[0]).split(';')[0] ?? '';
    },
    async close() {
      await api.close();
      rmSync(folder, { recursive: true });
    },
  };
}

function makeCertificate(keyPath: string, certificatePath: string): { key: Buffer; cert: Buffer } {
  const subject = ['-subj', '/CN=sekisho test', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', keyPath];
  execFileSync('openssl', ['req', '-x509', '-days', '2', ...key, '-out', certificatePath, ...subject], {
    stdio: 'ignore',
  });
  return { key: readFileSync(keyPath), cert: readFileSync(certificatePath) };
}

function askApi(
  port: number,
  ca: Buffer,
  method: string,
  path: string,
  { body, raw, headers }: AskOptions,
): Promise<ApiAnswer> {
  const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      {
        host: '127.0.0.1',
        port,
        ca,
        method,
        path,
        agent: false,
        headers: { ...typeOf(payload), ...headers },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const json = (): Record<string, unknown> => JSON.parse(text);
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json });
        });
      },
    );
    request.on('error', reject);
    request.end(payload);
  });
}

function typeOf(payload: string | Buffer | undefined): Readonly<Record<string, string>> {
  return payload === undefined
    ? {}
    : { 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(payload)) };
}
