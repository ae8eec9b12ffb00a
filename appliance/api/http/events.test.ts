import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect, type TLSSocket } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { isSekishoError } from '#contract/errors.ts';
import { GatewaySnapshot } from '#contract/snapshot.ts';
import type { Clock } from '#ports/clock.ts';
import { startScriptedApi } from '../testing/scripted-api.ts';
import { ScriptedGateway } from '../testing/scripted-gateway.ts';
import { sampleOperator } from '../testing/scripted-samples.ts';
import { createSnapshotStreams } from './events.ts';

/** A response whose socket is full whenever the test says so. */
class ScriptedResponse extends EventEmitter {
  readonly written: string[] = [];
  isFull = false;
  isDestroyed = false;
  writeHead(): void {}
  write(text: string): boolean {
    this.written.push(text);
    return !this.isFull;
  }
  end(text = ''): void {
    this.written.push(text);
    this.emit('close');
  }
  destroy(): void {
    this.isDestroyed = true;
    this.emit('close');
  }
}

/** A clock whose sleepers wake when the test says so. */
function steppedClock(): { clock: Clock; step: () => Promise<void> } {
  let wake = (): void => {};
  const sleep = (_ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      wake = resolve;
      signal?.addEventListener('abort', () => reject(signal.reason));
    });
  const step = async (): Promise<void> => {
    wake();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { clock: { nowMs: () => 0, monotonicMs: () => 0, sleep }, step };
}

function rig() {
  const gateway = new ScriptedGateway();
  const { clock, step } = steppedClock();
  const streams = createSnapshotStreams({
    gateway,
    clock,
    heartbeatMs: 1,
    maxStreams: 4,
    maxStreamsPerClient: 2,
  });
  const attach = (client = 'counter'): ScriptedResponse => {
    const response = new ScriptedResponse();
    streams.attach(response as unknown as ServerResponse, client);
    return response;
  };
  return { gateway, streams, step, attach };
}

const revisions = (response: ScriptedResponse): number[] =>
  [...response.written.join('').matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));

interface OpenStream {
  readonly socket: TLSSocket;
  /** The newest 64 kB of what came. */
  text(): string;
  ended(): boolean;
}

/** A stream on a connection of its own; resolves with its first event. */
function openStream(port: number): Promise<OpenStream> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
    let text = '';
    let ended = false;
    const stream = { socket, text: () => text, ended: () => ended };
    socket.on('error', reject);
    socket.on('data', (chunk) => {
      text = (text + chunk).slice(-65_536);
      ended ||= text.includes('retry: 30000');
      if (text.includes('event: snapshot')) resolve(stream);
    });
    socket.write('GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n');
  });
}

describe('the snapshot stream', () => {
  test('begins with the whole state and the time to reconnect, then brings each change', () => {
    const { gateway, attach } = rig();
    const response = attach();
    gateway.change({ outboxWaiting: 1 });
    expect(response.written[0]).toMatch(/^retry: 1000\nid: 1\nevent: snapshot\ndata: \{.*\}\n\n$/);
    expect(revisions(response)).toEqual([1, 2]);
    const data = /^data: (.*)$/m.exec(response.written[1]!)![1]!;
    expect(GatewaySnapshot.parse(JSON.parse(data)).outboxWaiting).toBe(1);
  });

  test('listens to the gateway while there is a screen, and only then', () => {
    const { gateway, attach } = rig();
    expect(gateway.listening).toBe(0);
    const [first, second] = [attach(), attach()];
    expect(gateway.listening).toBe(1);
    first.destroy();
    gateway.change({});
    expect(revisions(second)).toEqual([1, 2]);
    second.destroy();
    expect(gateway.listening).toBe(0);
    gateway.change({});
    const third = attach();
    gateway.change({});
    expect(revisions(third)).toEqual([3, 4]);
  });

  test('a screen that does not read makes no queue: when it reads again it gets the newest only', () => {
    const { gateway, attach } = rig();
    const response = attach();
    response.isFull = true;
    for (let count = 0; count < 50; count += 1) gateway.change({ outboxWaiting: count });
    expect(revisions(response)).toEqual([1, 2]);
    response.isFull = false;
    response.emit('drain');
    expect(revisions(response)).toEqual([1, 2, 51]);
  });

  test('heartbeats keep it alive; one that misses two is cut off and forgotten', async () => {
    const { streams, step, attach } = rig();
    const good = attach();
    const stuck = attach();
    stuck.isFull = true;
    await step();
    expect(good.written.at(-1)).toBe('event: alive\ndata: 1\n\n');
    await step();
    expect(stuck.isDestroyed).toBe(false);
    await step();
    expect(stuck.isDestroyed).toBe(true);
    expect(streams.count()).toBe(1);
  });

  test('has a limit, and ends with the server', () => {
    const { streams, gateway, attach } = rig();
    const first = attach();
    for (const client of ['phone', 'tablet', 'kiosk']) attach(client);
    expect(() => attach('television')).toThrow(
      expect.toSatisfy((error) => isSekishoError(error, 'request.overloaded')),
    );
    streams.close();
    gateway.change({});
    expect(revisions(first)).toEqual([1]);
    expect(streams.count()).toBe(0);
  });

  test('the oldest of one client gives way to its newest, and other clients do not notice', () => {
    const { streams, gateway, attach } = rig();
    const other = attach('phone');
    const [oldest, stuck, newer] = [attach(), attach(), attach()];
    expect(oldest.written.at(-1)).toBe('retry: 30000\n\n');
    stuck.isFull = true;
    gateway.change({});
    const newest = attach();
    expect(stuck.isDestroyed).toBe(true);
    gateway.change({});
    expect([oldest, stuck, other, newer, newest].map((one) => revisions(one).at(-1))).toEqual([
      1, 2, 3, 3, 3,
    ]);
    expect(streams.count()).toBe(3);
  });

  test('over HTTPS: one client has its share, and the rest is answered as ever', async () => {
    const api = await startScriptedApi();
    const sockets = await Promise.all(Array.from({ length: 48 }, () => openStream(api.api.port)));
    await expect.poll(() => sockets.filter(({ ended }) => ended()).length).toBe(16);
    api.gateway.change({ outboxWaiting: 3 });
    const alive = sockets.filter(({ ended }) => !ended());
    await expect.poll(() => alive.every(({ text }) => text().includes('"outboxWaiting":3'))).toBe(true);
    expect((await api.ask('GET', '/metrics')).text).toMatch(/^\w*streams\w* 32$/m);
    for (const { socket } of sockets) socket.destroy();
    await expect.poll(async () => (await api.ask('GET', '/metrics')).text).toMatch(/^\w*streams\w* 0$/m);
    await api.close();
  });

  test('over HTTPS: one that stops reading takes no memory and is cut off', async () => {
    const api = await startScriptedApi({ heartbeatMs: 200 });
    // Long events, so that the kernel's buffers are soon full.
    const operator = { ...sampleOperator, displayName: 'x'.repeat(50_000) };
    api.gateway.change({}, { operator });
    const [stuck, good] = [await openStream(api.api.port), await openStream(api.api.port)];
    stuck.socket.pause();
    const before = process.memoryUsage();
    let changes = 0;
    const isCut = async (): Promise<boolean> =>
      !(await api.ask('GET', '/metrics')).text.includes('streams 2');
    while (!(await isCut())) {
      for (let round = 0; round < 100; round += 1) api.gateway.change({ outboxWaiting: changes++ });
    }
    const after = process.memoryUsage();
    expect(after.external + after.arrayBuffers - before.external - before.arrayBuffers).toBeLessThan(32e6);
    await expect.poll(() => good.text().includes(`"outboxWaiting":${changes - 1}`)).toBe(true);
    stuck.socket.destroy();
    good.socket.destroy();
    await api.close();
  });

  test('over HTTPS: a client that comes back gets the state as it then is', async () => {
    const api = await startScriptedApi({ heartbeatMs: 5 });
    const listen = (): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = connect({ host: '127.0.0.1', port: api.api.port, rejectUnauthorized: false });
        let text = '';
        socket.on('error', reject);
        socket.on('data', (chunk) => {
          text += chunk;
          if (!text.includes('event: alive')) return;
          socket.destroy();
          resolve(text);
        });
        socket.write('GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n');
      });
    expect(await listen()).toMatch(/Content-Type: text\/event-stream[\s\S]*\nid: 1\n/);
    api.gateway.change({ outboxWaiting: 9 });
    expect(await listen()).toMatch(/\nid: 2\n[\s\S]*"outboxWaiting":9/);
    await api.close();
  });
});
