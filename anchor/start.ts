/** One running anchor: its key, its device list, its socket, and what it follows. Used by the command and by `npm start`. */
import { Anchor, type Counters } from './anchor.ts';
import { DeviceBook } from './device-book.ts';
import { type Identity, openIdentity } from './identity.ts';
import { DEFAULT_RATE_LIMITS, RateLimit, type RateLimits } from './rate-limit.ts';
import { fetchRevokedDevices, followRevokedDevices, type ProviderLine } from './revoked-devices.ts';
import { startAnchorService } from './service.ts';

export interface AnchorOptions {
  /** Where key and lists are; made when missing. */
  readonly folder: string;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly hops?: number;
  readonly rateLimits?: RateLimits;
  readonly provider?: ProviderLine | undefined;
  readonly providerEveryMs?: number;
  /** One event per call; nothing in it is secret. */
  readonly log?: (event: string, fields: Readonly<Record<string, unknown>>) => void;
  /** The anchor can not go on; whoever started it starts it again. */
  readonly onFailure?: (error: Error) => void;
}

export interface RunningAnchor {
  readonly identity: Identity;
  readonly port: number;
  readonly counters: Counters;
  readonly devices: DeviceBook;
  close(): Promise<void>;
}

const PROVIDER_EVERY_MS = 5 * 60_000;

export async function startAnchor(options: AnchorOptions): Promise<RunningAnchor> {
  const log = options.log ?? (() => {});
  const monotonicMs = (): number => performance.now();
  const identity = openIdentity(options.folder);
  const devices = new DeviceBook(options.folder, monotonicMs, (error) =>
    log('devices-damaged', { error: nameOf(error) }),
  );
  const rateLimit = new RateLimit(options.rateLimits ?? DEFAULT_RATE_LIMITS, monotonicMs);
  const anchor = new Anchor({ identity, devices, rateLimit });
  const service = await startAnchorService(anchor, {
    host: options.host,
    port: options.port,
    hops: options.hops ?? 1,
    onFailure: options.onFailure ?? (() => {}),
  });
  const { provider } = options;
  const follower =
    provider === undefined
      ? undefined
      : followRevokedDevices({
          fetch: () => fetchRevokedDevices(provider),
          everyMs: options.providerEveryMs ?? PROVIDER_EVERY_MS,
          onList: ({ asOf, deviceIds }) => devices.putRevokedByProvider(asOf, deviceIds),
          onFailure: (error) => log('provider-silent', { error: nameOf(error) }),
        });
  return {
    identity,
    port: service.port,
    devices,
    get counters() {
      return anchor.counters;
    },
    async close() {
      follower?.stop();
      await service.close();
    },
  };
}

function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  return 'code' in error ? `${error.name} ${String(error.code)}` : error.name;
}
