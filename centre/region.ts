/** A whole centre in one process, on free ports: for `npm start`, for tests, and for small regions. */
import type { KeyObject } from 'node:crypto';
import type { FaultSwitch } from './http/faults.ts';
import type { Service } from './http/service.ts';
import { type CentreParts, openCentreParts } from './parts.ts';
import { loadSeed } from './seed/load.ts';
import type { Person } from './seed/person.ts';
import { SERVICE_NAMES, type ServiceName, startCentreService } from './services.ts';

export interface CentreOptions {
  /** Keys, certificates and databases; created when empty. */
  readonly folder: string;
  /** Loaded at every start. */
  readonly people?: readonly Person[];
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Fixed ports for some services; the others take free ones. */
  readonly ports?: Partial<Record<ServiceName, number>>;
  readonly nowMs?: () => number;
  readonly rsaKey?: (label: string) => KeyObject;
  /** Told about whatever goes wrong inside a service. */
  readonly onError?: (service: ServiceName, error: unknown) => void;
}

/** PEM files that an appliance pins. */
export interface TrustFiles {
  /** Issuer of all TLS server certificates. */
  readonly centreTls: string;
  readonly jpkiAuthentication: readonly string[];
  readonly hpkiRoot: string;
  readonly hpkiAuthentication: string;
  readonly samDevice: string;
  readonly timeStampRoot: string;
  readonly audit: string;
}

export interface Centre extends Omit<CentreParts, 'close'> {
  readonly urls: Readonly<Record<ServiceName, string>>;
  readonly trustFiles: TrustFiles;
  readonly faults: Readonly<Record<ServiceName, FaultSwitch>>;
  close(): Promise<void>;
}

export async function startCentre(options: CentreOptions): Promise<Centre> {
  const parts = openCentreParts(options);
  if (options.people !== undefined) loadSeed(parts, options.people);
  const services = await startAll(options, parts);
  const eachService = <Value>(value: (service: Service) => Value): Record<ServiceName, Value> =>
    mapServices((name) => value(services[name]));
  return {
    ...parts,
    urls: eachService((service) => service.url),
    trustFiles: trustFilesOf(parts),
    faults: eachService((service) => service.faults),
    async close() {
      await Promise.all(Object.values(services).map((service) => service.close()));
      parts.close();
    },
  };
}

async function startAll(options: CentreOptions, parts: CentreParts): Promise<Record<ServiceName, Service>> {
  const started: Service[] = [];
  try {
    for (const name of SERVICE_NAMES) {
      started.push(
        await startCentreService(name, parts, {
          host: options.host ?? '127.0.0.1',
          port: options.ports?.[name] ?? 0,
          onError: (error) => options.onError?.(name, error),
        }),
      );
    }
  } catch (thrown) {
    await Promise.all(started.map((service) => service.close()));
    parts.close();
    throw thrown;
  }
  return mapServices((_name, index) => started[index] as Service);
}

function mapServices<Value>(value: (name: ServiceName, index: number) => Value): Record<ServiceName, Value> {
  return Object.fromEntries(SERVICE_NAMES.map((name, index) => [name, value(name, index)])) as Record<
    ServiceName,
    Value
  >;
}

function trustFilesOf({ pki }: CentreParts): TrustFiles {
  return {
    centreTls: pki.centreTls.certificateFile,
    jpkiAuthentication: Object.values(pki.jpkiAuthentication).map((authority) => authority.certificateFile),
    hpkiRoot: pki.certificateFile('hpki-root'),
    hpkiAuthentication: pki.hpkiAuthentication.certificateFile,
    samDevice: pki.samDevice.certificateFile,
    timeStampRoot: pki.certificateFile('time-stamp-root'),
    audit: pki.certificateFile('audit'),
  };
}
