/** The service provider's list of revoked devices, asked for over mutual TLS with the clinic's own certificate. */
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { isDeviceId } from './device-book.ts';

export interface ProviderLine {
  /** Base URL of the service provider. */
  readonly url: string;
  /** PEM: the only authority that is believed. */
  readonly authority: string;
  readonly key: string;
  readonly certificate: string;
}

export interface RevokedDevices {
  readonly asOf: string;
  readonly deviceIds: readonly string[];
}

const TIMEOUT_MS = 10_000;
const MAX_BODY_BYTES = 1_048_576;

export function openProviderLine(files: {
  readonly url: string;
  readonly caPath: string;
  readonly keyPath: string;
  readonly certificatePath: string;
}): ProviderLine {
  return {
    url: files.url,
    authority: readFileSync(files.caPath, 'utf8'),
    key: readFileSync(files.keyPath, 'utf8'),
    certificate: readFileSync(files.certificatePath, 'utf8'),
  };
}

/** GET /v1/revoked-devices. Rejects when there is no answer that can be believed. */
export async function fetchRevokedDevices(line: ProviderLine): Promise<RevokedDevices> {
  const answer: unknown = JSON.parse(await get(new URL('/v1/revoked-devices', line.url), line));
  if (typeof answer === 'object' && answer !== null && 'asOf' in answer && 'devices' in answer) {
    const { asOf, devices } = answer;
    if (typeof asOf === 'string' && Array.isArray(devices) && devices.every(isDeviceId)) {
      return { asOf, deviceIds: devices };
    }
  }
  throw new TypeError('the list of the service provider has another form');
}

function get(url: URL, line: ProviderLine): Promise<string> {
  return new Promise((resolve, reject) => {
    const asking = request(
      url,
      {
        ca: line.authority,
        key: line.key,
        cert: line.certificate,
        minVersion: 'TLSv1.2',
        agent: false,
        signal: AbortSignal.timeout(TIMEOUT_MS),
      },
      (response) => {
        const chunks: Buffer[] = [];
        let lengthBytes = 0;
        response.on('data', (chunk: Buffer) => {
          lengthBytes += chunk.length;
          if (lengthBytes > MAX_BODY_BYTES) response.destroy(new RangeError('the list is too long'));
          chunks.push(chunk);
        });
        response.once('error', reject);
        response.once('end', () => {
          if (response.statusCode === 200) resolve(Buffer.concat(chunks).toString('utf8'));
          else reject(new Error(`the service provider answered ${response.statusCode}`));
        });
      },
    );
    asking.once('error', reject).end();
  });
}

export interface Follower {
  stop(): void;
}

/** Asks now and then every `everyMs`; what fails is told, and the list from before stays in force. */
export function followRevokedDevices(options: {
  readonly fetch: () => Promise<RevokedDevices>;
  readonly everyMs: number;
  readonly onList: (list: RevokedDevices) => void;
  readonly onFailure: (error: unknown) => void;
}): Follower {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const ask = async (): Promise<void> => {
    try {
      const list = await options.fetch();
      if (!stopped) options.onList(list);
    } catch (thrown) {
      if (!stopped) options.onFailure(thrown);
    }
    if (!stopped) timer = setTimeout(() => void ask(), options.everyMs);
  };
  void ask();
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
