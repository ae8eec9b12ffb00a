/** The appliance's side of the centre: five services, each with its own line, deadline and health. */
import type { Clock } from '#ports/clock.ts';
import type { Logger } from '#ports/logger.ts';
import type { Random } from '#ports/random.ts';
import { loadAuthorities, type PinnedAuthorities } from '#trust/authority.ts';
import { Circuit } from './circuit.ts';
import { makeEligibilityService } from './eligibility.ts';
import type { HttpQuestion } from './http-exchange.ts';
import type { Line } from './line.ts';
import { openPlainLine } from './plain-line.ts';
import type { Centre, DeviceSigner } from './ports.ts';
import { makeOpener, ProvenLine } from './proven-line.ts';
import { makeRevocationService } from './revocation.ts';
import { RevocationList } from './revocation-list.ts';
import { makeServiceProvider } from './service-provider.ts';
import { makeTimeStampAuthority } from './time-stamps.ts';
import type { TlsCredentials } from './tls-connection.ts';
import { makeVisitHistory } from './visit-history.ts';

export interface CentreUrls {
  /** https origins; each is asked over its own proven connections. */
  readonly serviceProvider: string;
  readonly eligibility: string;
  readonly history: string;
  /** http or https, with path. One responder answers for every pinned CA. */
  readonly ocsp: string;
  /** One list for each CA that issues cards; which is whose is found by signature. */
  readonly crls: readonly string[];
  readonly timeStamps: string;
}

/** From the call to the last byte, connecting and device proof included. Made so that a tap can wait for them. */
export interface CentreDeadlines {
  readonly serviceProviderMs: number;
  readonly eligibilityMs: number;
  readonly historyMs: number;
  readonly ocspMs: number;
  readonly crlMs: number;
  readonly timeStampMs: number;
}

const DEFAULT_DEADLINES: CentreDeadlines = {
  serviceProviderMs: 5_000,
  eligibilityMs: 3_000,
  historyMs: 5_000,
  ocspMs: 1_500,
  crlMs: 3_000,
  timeStampMs: 3_000,
};

export interface CentreOptions {
  readonly urls: CentreUrls;
  readonly credentials: TlsCredentials;
  readonly timeStampAuthorities: PinnedAuthorities;
  /** Who issues cards, and so the lists of the revoked ones. */
  readonly cardAuthorities: readonly PinnedAuthorities[];
  /** Asked for each new connection; may wait while a tap needs the SAM. */
  readonly signer: DeviceSigner;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly deadlines?: Partial<CentreDeadlines>;
  /** Called whenever `health()` may answer something new. */
  readonly onHealthChange?: () => void;
  /** An answer says that the SP has an order for this device; also with the answer to the question what it is. */
  readonly onOrders?: () => void;
}

function openPostLine(url: URL, credentials: TlsCredentials, mediaType: string): Line {
  const body = { mediaType, bytes: new Uint8Array(0) };
  return openPlainLine(url, credentials, { ...questionFor(url), method: 'POST', body });
}

function questionFor(url: URL): HttpQuestion {
  return { method: 'GET', path: pathOf(url), accept: '*/*', maxAnswerBytes: 32 * 1024 * 1024 };
}

function pathOf(url: URL): string {
  return `${url.pathname}${url.search}`;
}

/** Certificates (DER) of every pinned authority. @throws SekishoError `config.invalid` */
function issuersOf(pinned: readonly PinnedAuthorities[]): Uint8Array[] {
  const sets = pinned.map(loadAuthorities);
  return sets.flatMap(({ anchors, intermediates }) => [...anchors, ...intermediates].map(({ der }) => der));
}

/** Opens nothing yet: the first call or `warm()` does. */
export function openCentre(options: CentreOptions): Centre {
  const { urls, credentials, signer, clock, random, logger } = options;
  const deadlines = { ...DEFAULT_DEADLINES, ...options.deadlines };
  const onChange = options.onHealthChange ?? (() => {});
  const onOrders = options.onOrders ?? (() => {});
  const circuit = (name: string, line: Line, deadlineMs: number): Circuit =>
    new Circuit(line, { name, deadlineMs, clock, logger, onChange });
  const proven = (name: string, url: string, deadlineMs: number): Circuit =>
    circuit(name, new ProvenLine(makeOpener(new URL(url), credentials, signer, onOrders)), deadlineMs);

  const serviceProvider = proven('service-provider', urls.serviceProvider, deadlines.serviceProviderMs);
  const eligibility = proven('eligibility', urls.eligibility, deadlines.eligibilityMs);
  const history = proven('history', urls.history, deadlines.historyMs);
  const ocspUrl = new URL(urls.ocsp);
  const ocsp = circuit(
    'ocsp',
    openPostLine(ocspUrl, credentials, 'application/ocsp-request'),
    deadlines.ocspMs,
  );
  const stampUrl = new URL(urls.timeStamps);
  const stampLine = openPostLine(stampUrl, credentials, 'application/timestamp-query');
  const timeStamps = circuit('time-stamps', stampLine, deadlines.timeStampMs);
  const issuers = issuersOf(options.cardAuthorities);
  const lists = urls.crls.map((text) => {
    const url = new URL(text);
    const line = openPlainLine(url, credentials, questionFor(url));
    const list = new RevocationList(line, pathOf(url), issuers, clock);
    return { list, circuit: circuit('crl', list.line, deadlines.crlMs) };
  });
  const listCircuits = lists.map((source) => source.circuit);
  const circuits = [serviceProvider, eligibility, history, ocsp, timeStamps, ...listCircuits];

  return {
    serviceProvider: makeServiceProvider(serviceProvider),
    eligibility: makeEligibilityService(eligibility),
    history: makeVisitHistory(history),
    revocation: makeRevocationService({ ocsp, ocspPath: pathOf(ocspUrl), lists, clock, random }),
    timeStamps: makeTimeStampAuthority({
      circuit: timeStamps,
      path: pathOf(stampUrl),
      authorities: options.timeStampAuthorities,
      random,
    }),
    async warm() {
      await Promise.all(circuits.map((one) => one.warm()));
    },
    health: () => ({
      serviceProvider: serviceProvider.healthy,
      revocation: ocsp.healthy,
      revocationLists: listCircuits.every((one) => one.healthy),
      eligibility: eligibility.healthy,
      history: history.healthy,
    }),
    async close() {
      for (const one of circuits) one.close();
    },
  };
}
