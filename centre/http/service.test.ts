import { connect } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { CentreProblem } from '#contract/centre/wire.ts';
import { parseJson } from './json.ts';
import { CentreRefusal, jsonReply } from './problem.ts';
import { matchRoute, type Route } from './route.ts';
import { type Service, type ServiceOptions, startService } from './service.ts';

const Greeting = z.strictObject({ name: z.string() });
const errors: unknown[] = [];
const ROUTES: Route[] = [
  {
    method: 'POST',
    path: '/v1/greet',
    mediaType: 'application/json',
    handle: ({ body }) => jsonReply(200, { hello: parseJson(Greeting, body).name }),
  },
  { method: 'GET', path: '/v1/things/:id', handle: ({ parameters }) => jsonReply(200, parameters) },
  {
    method: 'GET',
    path: '/v1/broken',
    handle() {
      throw new Error('secret detail');
    },
  },
];

let service: Service | undefined;
const start = async (options: Partial<ServiceOptions> = {}): Promise<Service> => {
  service = await startService({
    host: '127.0.0.1',
    port: 0,
    routes: ROUTES,
    onError: (error) => errors.push(error),
    ...options,
  });
  return service;
};
afterEach(async () => {
  await service?.close();
  service = undefined;
  errors.length = 0;
});

const post = (url: string, body: string, type = 'application/json') =>
  fetch(`${url}/v1/greet`, { method: 'POST', body, headers: { 'Content-Type': type } });

async function problemOf(response: Response): Promise<[number, string]> {
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  const problem = CentreProblem.parse(await response.json());
  expect(problem.status).toBe(response.status);
  return [problem.status, problem.code];
}

/** Sends raw bytes and resolves with everything that came back until the other side closed. */
function converse(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    let received = '';
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
    });
    socket.once('error', () => resolve(received));
    socket.once('close', () => resolve(received));
  });
}

describe('requests', () => {
  test('a good one is answered, and its path parameters decoded', async () => {
    const { url } = await start();
    expect(await (await post(url, '{"name":"関所"}')).json()).toEqual({ hello: '関所' });
    expect(await (await fetch(`${url}/v1/things/a%2Fb`)).json()).toEqual({ id: 'a/b' });
  });

  test.each([
    ['not JSON', '{"name":', 400, 'message-invalid'],
    ['not UTF-8', '\u00ff'.repeat(3), 400, 'message-invalid'],
    ['a missing field', '{}', 422, 'message-invalid'],
    ['an unknown field', '{"name":"x","nmae":"y"}', 422, 'message-invalid'],
    ['too many bytes', JSON.stringify({ name: 'x'.repeat(70_000) }), 413, 'limits-exceeded'],
  ])('%s', async (_name, body, status, code) => {
    const { url } = await start();
    expect(await problemOf(await post(url, body))).toEqual([status, code]);
  });

  test('other media types, paths and methods', async () => {
    const { url } = await start();
    expect(await problemOf(await post(url, '{"name":"x"}', 'text/plain'))).toEqual([415, 'message-invalid']);
    expect(await problemOf(await fetch(`${url}/nowhere`))).toEqual([404, 'not-found']);
    expect(await problemOf(await fetch(`${url}/v1/things/%E0%A4%A`))).toEqual([404, 'not-found']);
    expect(await problemOf(await fetch(`${url}/v1/greet`))).toEqual([405, 'message-invalid']);
  });

  test('an exception is reported inside and says nothing outside', async () => {
    const { url } = await start();
    const response = await fetch(`${url}/v1/broken`);
    const text = await response.clone().text();
    expect(await problemOf(response)).toEqual([500, 'internal']);
    expect(text).not.toContain('secret');
    expect(errors).toHaveLength(1);
  });

  test('a body without a length is counted as it comes', async () => {
    const { port } = await start();
    const chunk = 'x'.repeat(40_000);
    const head =
      'POST /v1/greet HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n';
    const received = await converse(port, `${head}9c40\r\n${chunk}\r\n9c40\r\n${chunk}\r\n0\r\n\r\n`);
    expect(received).toMatch(/^HTTP\/1\.1 413 /);
  });

  test('a slow or broken request is cut off', async () => {
    const { port } = await start({ requestTimeoutMs: 100 });
    expect(await converse(port, 'POST /v1/greet HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{')).toMatch(
      /408|^$/,
    );
    expect(await converse(port, 'GET / HTTP/1.1\r\nHost: x')).toMatch(/408/);
    expect(await converse(port, '\x16\x03\x01nonsense\r\n\r\n')).toMatch(/400/);
    expect(errors).toHaveLength(0);
  });

  test('two hundred connections at once', async () => {
    const { url } = await start();
    const answers = await Promise.all(Array.from({ length: 200 }, () => post(url, '{"name":"x"}')));
    expect(answers.every((answer) => answer.status === 200)).toBe(true);
  });
});

describe('faults', () => {
  test('down cuts connections, and clearing brings the service back', async () => {
    const { url, faults } = await start();
    faults.set({ down: true });
    await expect(fetch(`${url}/v1/things/1`)).rejects.toThrow();
    faults.clear();
    expect((await fetch(`${url}/v1/things/1`)).status).toBe(200);
  });

  test('garbage and delay', async () => {
    const { url, faults } = await start();
    faults.set({ garbage: true });
    const answer = await fetch(`${url}/v1/things/1`);
    expect(answer.status).toBe(200);
    await expect(answer.json()).rejects.toThrow();
    faults.set({ garbage: false, delayMs: 60_000 });
    await expect(fetch(`${url}/v1/things/1`, { signal: AbortSignal.timeout(150) })).rejects.toThrow();
  });

  test('close does not wait for a delayed answer', async () => {
    const { url, faults, close } = await start();
    faults.set({ delayMs: 60_000 });
    const waiting = fetch(`${url}/v1/things/1`).catch((error: unknown) => error);
    await fetch(`${url}/v1/things/1`, { signal: AbortSignal.timeout(100) }).catch(() => undefined);
    await close();
    expect(await waiting).toBeInstanceOf(Error);
  });
});

test('routing never throws anything but a refusal', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 40 }), (path) => {
      try {
        matchRoute(
          [...ROUTES, { method: 'GET', path: '/*rest', handle: () => ({ status: 200 }) }],
          'PUT',
          `/${path}`,
        );
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(CentreRefusal);
      }
    }),
    { numRuns: 200 },
  );
});
