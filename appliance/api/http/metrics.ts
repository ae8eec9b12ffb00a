/** Prometheus text for the local network: numbers only, no identity of anybody. */
import type { GatewaySnapshot, ReaderHealth } from '#contract/snapshot.ts';

type Labels = Readonly<Record<string, string | number>>;

interface Sample {
  readonly labels?: Labels;
  readonly value: number;
}

export interface RequestMetrics {
  countRequest(route: string, status: number, seconds: number): void;
  render(snapshot: GatewaySnapshot, eventStreams: number): string;
}

export function createRequestMetrics(): RequestMetrics {
  const counts = new Map<string, { labels: Labels; value: number }>();
  const seconds = new Map<string, { labels: Labels; value: number }>();
  return {
    countRequest(route, status, tookSeconds) {
      add(counts, { route, status }, 1);
      add(seconds, { route }, tookSeconds);
    },
    render: (snapshot, eventStreams) =>
      [
        family('sekisho_http_requests_total', 'counter', 'Requests answered', [...counts.values()]),
        family('sekisho_http_request_seconds_total', 'counter', 'Time until answered', [...seconds.values()]),
        family('sekisho_event_streams', 'gauge', 'Screens that listen', [{ value: eventStreams }]),
        ...gatewayFamilies(snapshot),
        family('process_resident_memory_bytes', 'gauge', 'Memory', [{ value: process.memoryUsage.rss() }]),
        family('process_uptime_seconds', 'gauge', 'Time since start', [{ value: process.uptime() }]),
      ].join(''),
  };
}

function gatewayFamilies({
  ready,
  missing,
  mode,
  facts,
  readerHealth,
  panel,
  outboxWaiting,
  unresolvedVisits,
}: GatewaySnapshot): string[] {
  const centre = Object.entries(facts.centre).map(([service, up]) => ({
    labels: { service },
    value: Number(up),
  }));
  return [
    family('sekisho_ready', 'gauge', '1 when a tap can start', [
      { labels: { missing: missing ?? '' }, value: Number(ready) },
    ]),
    family('sekisho_mode', 'gauge', 'The world we are in', [{ labels: { mode }, value: 1 }]),
    family('sekisho_sam', 'gauge', 'State of the SAM', [
      { labels: { state: facts.sam, unlock: facts.samUnlock }, value: 1 },
    ]),
    family('sekisho_sam_uses_left', 'gauge', 'Uses until the next unlock', [{ value: facts.samUsesLeft }]),
    family('sekisho_reader_ready', 'gauge', '1 when the reader works', [
      { value: Number(facts.reader === 'ready') },
    ]),
    ...readerFamilies(readerHealth),
    ...(panel === undefined
      ? []
      : [
          family('sekisho_panel_ready', 'gauge', '1 when the keys on the box work', [
            { value: Number(panel.state === 'ready') },
          ]),
        ]),
    family('sekisho_centre_up', 'gauge', '1 when the service answered last', centre),
    family('sekisho_outbox_waiting', 'gauge', 'Visit records not delivered yet', [{ value: outboxWaiting }]),
    family('sekisho_unresolved_visits', 'gauge', 'Visits with something open', [{ value: unresolvedVisits }]),
  ];
}

function readerFamilies(health: ReaderHealth): string[] {
  const faults = health.faults.map(({ code, count }) => ({ labels: { code }, value: count }));
  const counter = (name: string, help: string, value: number): string =>
    family(`sekisho_reader_${name}_total`, 'counter', help, [{ value }]);
  return [
    family('sekisho_reader_faults_total', 'counter', 'Faults of the reader', faults),
    counter('recoveries', 'Times that the reader came back', health.recoveries),
    counter('restarts', 'Times that the reader was restarted on its bus', health.restarts),
    counter('cards', 'Cards that came to the reader', health.cardsSeen),
    counter('discarded_bytes', 'Bytes that belonged to no message', health.discardedBytes),
  ];
}

function add(into: Map<string, { labels: Labels; value: number }>, labels: Labels, value: number): void {
  const key = JSON.stringify(labels);
  const sample = into.get(key) ?? { labels, value: 0 };
  sample.value += value;
  into.set(key, sample);
}

/** @see https://prometheus.io/docs/instrumenting/exposition_formats/ */
function family(name: string, type: 'counter' | 'gauge', help: string, samples: readonly Sample[]): string {
  const lines = samples.map(({ labels, value }) => {
    const pairs = Object.entries(labels ?? {}).map(([label, text]) => `${label}="${text}"`);
    return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}
