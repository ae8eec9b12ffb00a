/** The services by name: which routes each one has and how its listener is protected. */
import { crlRoutes } from './crl/service.ts';
import { eligibilityRoutes } from './eligibility/service.ts';
import type { ProvenDevice } from './http/device-gate.ts';
import type { Route } from './http/route.ts';
import { type Service, startService } from './http/service.ts';
import { ocspRoutes } from './ocsp/service.ts';
import { type CentreParts, createServiceTls } from './parts.ts';
import { requireDevice } from './service-provider/admission.ts';
import { createRosterChanges } from './service-provider/roster-changes.ts';
import { serviceProviderRoutes } from './service-provider/service.ts';
import { timeStampRoutes } from './tsa/service.ts';
import { monitorRoutes } from './visit-history/monitor.ts';
import { visitHistoryRoutes } from './visit-history/service.ts';

export const SERVICE_NAMES = [
  'serviceProvider',
  'eligibility',
  'visitHistory',
  'monitor',
  'ocsp',
  'crl',
  'tsa',
] as const;
export type ServiceName = (typeof SERVICE_NAMES)[number];

/** `mutual` wants a client certificate, `server` does not; OCSP, CRL and time stamps are signed in themselves. */
type Protection = 'mutual' | 'server' | 'plain';

interface Definition {
  readonly protection: Protection;
  readonly routes: (parts: CentreParts) => Route[];
}

const deviceAuthority = (parts: CentreParts) => parts.pki.samDevice.certificate;

const patientAuthorities = (parts: CentreParts) =>
  Object.values(parts.pki.jpkiAuthentication).map(({ certificate }) => certificate);

const admission =
  ({ registry }: CentreParts) =>
  (device: ProvenDevice): void =>
    void requireDevice(registry, device);

const ordersFor =
  ({ registry }: CentreParts) =>
  ({ samId }: ProvenDevice): boolean =>
    registry.disableOrders.isOrdered(samId);

const DEFINITIONS: Readonly<Record<ServiceName, Definition>> = {
  serviceProvider: {
    protection: 'mutual',
    routes: (parts) =>
      serviceProviderRoutes({
        ...parts,
        authorities: patientAuthorities(parts),
        rosterChanges: createRosterChanges(parts, {
          hpki: [parts.pki.hpkiAuthentication.certificate],
          'my-number': patientAuthorities(parts),
        }),
        deviceAuthority: deviceAuthority(parts),
        signingKey: parts.pki.serviceProviderKey,
      }),
  },
  eligibility: {
    protection: 'mutual',
    routes: (parts) =>
      eligibilityRoutes({
        ...parts,
        store: parts.eligibility,
        deviceAuthority: deviceAuthority(parts),
        authorities: patientAuthorities(parts),
        admit: admission(parts),
        hasOrders: ordersFor(parts),
      }),
  },
  visitHistory: {
    protection: 'mutual',
    routes: (parts) =>
      visitHistoryRoutes({
        ...parts,
        store: parts.visits,
        deviceAuthority: deviceAuthority(parts),
        admit: admission(parts),
        hasOrders: ordersFor(parts),
      }),
  },
  monitor: { protection: 'server', routes: (parts) => monitorRoutes(parts.visits) },
  ocsp: { protection: 'plain', routes: ocspRoutes },
  crl: { protection: 'plain', routes: crlRoutes },
  tsa: {
    protection: 'plain',
    routes: ({ pki, nowMs }) => timeStampRoutes({ credential: pki.timeStamper, nowMs }),
  },
};

export interface ListenOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly requestTimeoutMs?: number | undefined;
  readonly onError?: ((error: unknown) => void) | undefined;
}

export function startCentreService(
  name: ServiceName,
  parts: CentreParts,
  listen: ListenOptions,
): Promise<Service> {
  const { protection, routes } = DEFINITIONS[name];
  const tls =
    protection === 'plain' ? undefined : createServiceTls(parts.pki, listen.host, protection === 'mutual');
  return startService({ ...listen, routes: routes(parts), tls });
}
