/**
 * The snapshot stream (server-sent events). A screen that reads slowly never makes a queue: while its socket
 * is full only the newest snapshot waits, and one that does not read for two heartbeats is cut off; its
 * browser reconnects by itself and gets the whole state again. One client has a few streams and no more: its oldest gives
 * way, because it may be a page that is long gone; beyond the total a newcomer is refused.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
import type { ServerResponse } from 'node:http';
import { SekishoError } from '#contract/errors.ts';
import type { GatewaySnapshot } from '#contract/snapshot.ts';
import type { Gateway } from '#gateway/face.ts';
import type { Clock } from '#ports/clock.ts';

const RECONNECT_MS = 1_000;
/** A stream that gave way comes back late, or too many pages of one client would push each other out without end. */
const GAVE_WAY_RECONNECT_MS = 30_000;
/** An event and no comment: a page must be able to hear that nothing is heard. */
const HEARTBEAT = 'event: alive\ndata: 1\n\n';

export interface SnapshotStreams {
  /** Takes over the response until either side ends it; `client` is its address. @throws SekishoError `request.overloaded` */
  attach(response: ServerResponse, client: string): void;
  count(): number;
  close(): void;
}

interface Stream {
  readonly response: ServerResponse;
  readonly client: string;
  blocked: boolean;
  /** The newest event that did not fit. */
  waiting: string | undefined;
  missedHeartbeats: number;
}

export interface SnapshotStreamOptions {
  readonly gateway: Gateway;
  readonly clock: Clock;
  readonly heartbeatMs: number;
  readonly maxStreams: number;
  readonly maxStreamsPerClient: number;
}

export function createSnapshotStreams(options: SnapshotStreamOptions): SnapshotStreams {
  const { gateway, clock, heartbeatMs, maxStreams, maxStreamsPerClient } = options;
  const streams = new Set<Stream>();
  const stop = new AbortController();

  // A snapshot is made for those who listen: without a screen nobody does.
  let unsubscribe: (() => void) | undefined;
  const tell = (snapshot: GatewaySnapshot): void => {
    const event = encodeEvent(snapshot);
    for (const stream of streams) send(stream, event);
  };
  const stopTelling = (): void => {
    unsubscribe?.();
    unsubscribe = undefined;
  };
  beat().catch(() => {}); // only the abort in close() ends it

  async function beat(): Promise<void> {
    for (;;) {
      await clock.sleep(heartbeatMs, stop.signal);
      for (const stream of streams) keepAlive(stream);
    }
  }

  return {
    attach(response, client) {
      const own = [...streams].filter((stream) => stream.client === client);
      for (const oldest of own.slice(0, Math.max(0, own.length + 1 - maxStreamsPerClient))) {
        streams.delete(oldest);
        giveWay(oldest);
      }
      if (streams.size >= maxStreams) throw new SekishoError('request.overloaded');
      const stream: Stream = { response, client, blocked: false, waiting: undefined, missedHeartbeats: 0 };
      streams.add(stream);
      unsubscribe ??= gateway.subscribe(tell, { steps: true });
      response.on('close', () => {
        streams.delete(stream);
        if (streams.size === 0) stopTelling();
      });
      response.on('drain', () => drain(stream));
      response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' });
      send(stream, `retry: ${RECONNECT_MS}\n${encodeEvent(gateway.snapshot())}`);
    },
    count: () => streams.size,
    close() {
      stopTelling();
      stop.abort();
      for (const stream of streams) stream.response.end();
      streams.clear();
    },
  };
}

function encodeEvent(snapshot: GatewaySnapshot): string {
  return `id: ${snapshot.revision}\nevent: snapshot\ndata: ${JSON.stringify(snapshot)}\n\n`;
}

function send(stream: Stream, event: string): void {
  if (stream.blocked) stream.waiting = event;
  else stream.blocked = !stream.response.write(event);
}

/** In order when it reads, at once when it does not. */
function giveWay({ response, blocked }: Stream): void {
  if (blocked) response.destroy();
  else response.end(`retry: ${GAVE_WAY_RECONNECT_MS}\n\n`);
}

function drain(stream: Stream): void {
  stream.blocked = false;
  stream.missedHeartbeats = 0;
  const { waiting } = stream;
  stream.waiting = undefined;
  if (waiting !== undefined) send(stream, waiting);
}

function keepAlive(stream: Stream): void {
  if (!stream.blocked) {
    stream.blocked = !stream.response.write(HEARTBEAT);
    return;
  }
  stream.missedHeartbeats += 1;
  if (stream.missedHeartbeats >= 2) stream.response.destroy();
}
