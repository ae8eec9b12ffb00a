import { type AddressInfo, createServer as createPlainServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { SekishoError } from '#contract/errors.ts';
import type { Script } from './testdata/scripted-service.ts';
import { answerRoster, clientOf, failure, keep, ROSTER, region, serve, tidy } from './testdata/test-bench.ts';

afterEach(tidy);
afterAll(() => region.remove());

describe('deadlines', () => {
  const impatient = { deadlines: { serviceProviderMs: 150 } };
  const patience = { deadlines: { serviceProviderMs: 1_500 } };
  const never = (): void => {};
  const drip: Script = (_, response) => {
    response.writeHead(200, { 'Content-Type': 'application/json' });
    const timer = setInterval(() => response.write(' '), 20);
    response.on('close', () => clearInterval(timer));
  };

  test.each([
    ['no answer', never],
    ['a body that drips', drip],
  ])('%s is centre.timeout', async (_, script) => {
    const service = await serve(script);
    const order: string[] = [];
    const patient = failure(clientOf(service.url, patience).serviceProvider.roster());
    const first = failure(clientOf(service.url, impatient).serviceProvider.roster());
    for (const [who, failing] of Object.entries({ patient, first })) void failing.then(() => order.push(who));
    expect([(await first).code, (await patient).code]).toEqual(['centre.timeout', 'centre.timeout']);
    expect(order).toEqual(['first', 'patient']);
  });

  test('a server that never shakes hands is centre.timeout', async () => {
    const mute = await listen(createPlainServer());
    expect((await failure(clientOf(mute, impatient).serviceProvider.roster())).code).toBe('centre.timeout');
  });

  test('a port where nobody listens is centre.unreachable', async () => {
    expect((await failure(clientOf('https://localhost:1').serviceProvider.roster())).code).toBe(
      'centre.unreachable',
    );
  });

  test('a handshake cut in the middle is centre.unreachable', async () => {
    const cutting = await listen(createPlainServer((socket) => socket.once('data', () => socket.destroy())));
    expect((await failure(clientOf(cutting).serviceProvider.roster())).code).toBe('centre.unreachable');
  });

  test('a server that closes right after the handshake is centre.unreachable', async () => {
    const closing = await listen(createTlsServer(region.serverTls, (socket) => socket.end()));
    expect((await failure(clientOf(closing).serviceProvider.roster())).code).toBe('centre.unreachable');
  });

  test("a caller's own reason comes back, and the service is not blamed", async () => {
    const service = await serve(never);
    const centre = clientOf(service.url);
    const abort = new AbortController();
    const asked = failure(centre.serviceProvider.roster(abort.signal));
    await expect.poll(() => service.heard.length).toBe(2);
    abort.abort(new SekishoError('tap.cancelled'));
    expect((await asked).code).toBe('tap.cancelled');
    service.script = answerRoster;
    expect(await centre.serviceProvider.roster()).toEqual(ROSTER);
  });

  async function listen(server: Server): Promise<string> {
    const sockets: Socket[] = [];
    server.on('connection', (socket: Socket) => {
      socket.on('error', () => {});
      sockets.push(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    keep({
      close: () =>
        new Promise((resolve) => {
          server.close(() => resolve());
          for (const socket of sockets) socket.destroy();
        }),
    });
    return `https://localhost:${(server.address() as AddressInfo).port}`;
  }
});
