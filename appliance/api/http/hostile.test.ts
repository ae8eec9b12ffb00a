/** What hostile, broken, slow and many clients get. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLogger } from '#appliance/log.ts';
import { isSekishoError } from '#contract/errors.ts';
import { type HttpRoute, ROUTES } from '#contract/http.ts';
import type { Clock } from '#ports/clock.ts';
import { type ScriptedApi, startScriptedApi } from '../testing/scripted-api.ts';
import { createRateLimit } from './rate-limit.ts';

const run = promisify(execFile);

const REQUEST_TIMEOUT_MS = 800;

let rig: ScriptedApi;
let cookie: string;
const lines: string[] = [];
beforeAll(async () => {
  rig = await startScriptedApi({
    limits: { requestTimeoutMs: REQUEST_TIMEOUT_MS },
    logger: createLogger({ level: 'debug', write: (line) => lines.push(line) }),
  });
  cookie = await rig.signIn();
});
afterAll(() => rig.close());

/** Opens a TLS connection and collects what comes until the other side closes. */
function openSocket(api: ScriptedApi): Promise<{ socket: TLSSocket; closed: Promise<string> }> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: api.api.port, rejectUnauthorized: false });
    socket.on('error', reject);
    socket.once('secureConnect', () => {
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk;
      });
      resolve({ socket, closed: new Promise((done) => socket.on('close', () => done(text))) });
    });
  });
}

describe('TLS', () => {
  const handshake = async (...version: string[]): Promise<string> => {
    const args = [
      's_client',
      '-connect',
      `127.0.0.1:${rig.api.port}`,
      '-CAfile',
      rig.certificatePath,
      ...version,
    ];
    const child = run('openssl', args, { timeout: 10_000 });
    child.child.stdin?.end();
    return child.then(({ stdout }) => stdout).catch((error: { stdout: string }) => error.stdout);
  };

  test.each(['-tls1', '-tls1_1'])(
    'openssl %s is refused even when the client would accept anything',
    async (version) => {
      expect(await handshake(version, '-cipher', 'ALL:@SECLEVEL=0')).toMatch(/Cipher is \(NONE\)/);
    },
  );

  test('openssl gets 1.3 when it can, 1.2 when it must, and the path verifies', async () => {
    expect(await handshake()).toMatch(/New, TLSv1\.3, Cipher is TLS_AES[\s\S]*Verify return code: 0/);
    expect(await handshake('-tls1_2')).toMatch(/New, TLSv1\.2, Cipher is ECDHE-ECDSA-AES128-GCM/);
  });

  test('no forward secrecy, no AEAD: no connection', async () => {
    expect(await handshake('-tls1_2', '-cipher', 'AES128-SHA:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0')).toMatch(
      /Cipher is \(NONE\)/,
    );
  });

  test('plain HTTP gets no answer', async () => {
    const outcome = run('curl', ['-sS', '-m', '5', `http://127.0.0.1:${rig.api.port}/v1/snapshot`]);
    await expect(outcome).rejects.toThrow(/Empty reply|reset/);
  });
});

describe('bodies', () => {
  const send = (raw: string | Buffer, headers: Record<string, string> = {}) =>
    rig.ask('POST', '/v1/taps', { raw, headers: { Cookie: cookie, ...headers } });

  test.each([
    ['not JSON', '{"purpose"', 'request.malformed'],
    ['an empty object', '{}', 'request.invalid'],
    ['an array', '[]', 'request.invalid'],
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'request.malformed'],
    ['a deep nest', '['.repeat(8_000), 'request.malformed'],
    [
      'an unknown field',
      '{"purpose":"insurance-eligibility","includeLimitInfo":true,"colour":1}',
      'request.invalid',
    ],
    [
      'a prototype',
      '{"__proto__":{"x":1},"purpose":"insurance-eligibility","includeLimitInfo":true}',
      'request.invalid',
    ],
  ])('%s is refused', async (_what, raw, code) => {
    const asked = rig.gateway.calls.length;
    expect((await send(raw)).json()).toMatchObject({ code });
    expect(rig.gateway.calls).toHaveLength(asked);
  });

  test('the field at fault is named, a number in its place is not repeated', async () => {
    const start = { purpose: 'insurance-eligibility', includeLimitInfo: 'yes' };
    expect((await send(JSON.stringify(start))).json()).toMatchObject({ field: '/includeLimitInfo' });
    const known = { purpose: 'insurance-eligibility', includeLimitInfo: true };
    expect((await send(JSON.stringify({ ...known, colour: 1 }))).json()).toMatchObject({ field: '/colour' });
    expect((await send(JSON.stringify({ ...known, '123456789012': 1 }))).text).not.toContain('123456789012');
  });

  test('too large by its header and too large by its chunks', async () => {
    const big = JSON.stringify({ purpose: 'x'.repeat(20_000) });
    expect((await send(big)).json()).toMatchObject({ status: 413, code: 'request.too-large' });
    const { stdout } = await run('curl', [
      ...['-sS', '--cacert', rig.certificatePath, '-b', cookie, '-H', 'Content-Type: application/json'],
      ...['-H', 'Transfer-Encoding: chunked', '--data-binary', big, `${rig.api.url}/v1/taps`],
    ]);
    expect(JSON.parse(stdout)).toMatchObject({ code: 'request.too-large' });
  });

  test.each([
    { 'Content-Type': 'text/plain' },
    { 'Content-Type': 'application/x-www-form-urlencoded' },
    { 'Content-Type': 'application/json; charset=shift_jis' },
    { 'Content-Encoding': 'gzip' },
  ])('%j is not supported', async (headers) => {
    expect((await send('{}', headers as Record<string, string>)).json()).toMatchObject({ status: 415 });
  });

  test('a body where none belongs is refused and the connection closed', async () => {
    const answer = await rig.ask('GET', '/v1/session', {
      raw: 'GET / HTTP/1.1',
      headers: { Cookie: cookie },
    });
    expect(answer.json()).toMatchObject({ code: 'request.malformed' });
  });
});

describe('addresses', () => {
  test.each([
    ['GET', '/nothing', 404, 'request.unknown-route'],
    ['GET', '/v1/taps/../../etc/passwd', 404, 'request.unknown-route'],
    ['GET', '/V1/snapshot', 404, 'request.unknown-route'],
    ['GET', '/v1/snapshot/', 404, 'request.unknown-route'],
    ['GET', '/v1/taps/%zz', 400, 'request.malformed'],
    ['GET', '/v1/taps/12345', 422, 'request.invalid'],
    ['GET', '/v1/visits?day=yesterday', 422, 'request.invalid'],
    ['GET', '/v1/visits?day=2025-04-01&name=x', 422, 'request.invalid'],
    ['PUT', '/v1/patients/537686677188/link', 422, 'request.invalid'],
    ['POST', '/', 404, 'request.unknown-route'],
  ])('%s %s is %i %s', async (method, path, status, code) => {
    const answer = await rig.ask(method, path, { headers: { Cookie: cookie } });
    expect(answer.json()).toMatchObject({ status, code });
  });

  test('a wrong method is 405 with the right ones, on every path', async () => {
    for (const path of new Set(Object.values<HttpRoute>(ROUTES).map((route) => route.path))) {
      const answer = await rig.ask('PATCH', path.replaceAll(/[{}]/g, ''));
      expect(answer.json(), path).toMatchObject({ status: 405, code: 'request.method-not-allowed' });
      expect(answer.headers.allow).toMatch(/GET|POST|PUT|DELETE/);
    }
  });
});

describe('browsers', () => {
  test('get strict headers with every answer', async () => {
    for (const path of ['/v1/snapshot', '/nothing']) {
      const { headers } = await rig.ask('GET', path);
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'strict-transport-security': expect.stringContaining('max-age='),
        'cache-control': 'no-store',
      });
      expect(headers['content-security-policy']).toMatch(/default-src 'none'; script-src 'self'/);
      expect(headers).not.toHaveProperty('access-control-allow-origin');
      expect(headers).not.toHaveProperty('x-powered-by');
    }
  });

  test.each([
    { Origin: 'https://evil.example' },
    { Origin: 'null' },
    { 'Sec-Fetch-Site': 'cross-site' },
    { 'Sec-Fetch-Site': 'same-site' },
    { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' },
  ])('are refused with %j', async (headers) => {
    const asked = rig.gateway.calls.length;
    const answer = await rig.ask('POST', '/v1/sam/lock', {
      headers: { Cookie: cookie, ...(headers as Record<string, string>) },
    });
    expect(answer.json()).toMatchObject({ status: 403, code: 'request.cross-site' });
    expect(rig.gateway.calls).toHaveLength(asked);
  });

  test('may come from our own page, and by a link to it', async () => {
    const own = { Origin: rig.api.url, 'Sec-Fetch-Site': 'same-origin', Cookie: cookie };
    expect((await rig.ask('GET', '/v1/session', { headers: own })).status).toBe(200);
    const link = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' };
    expect((await rig.ask('GET', '/healthz', { headers: link })).status).toBe(200);
  });
});

describe('slow clients', () => {
  test.each([
    ['no byte at all', ''],
    ['half a header', 'GET /v1/snapshot HTTP/1.1\r\nHost: x\r\nX-Slow: '],
    [
      'a body that does not come',
      'POST /v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"pin"',
    ],
  ])('%s: cut with 408, and the rest of the world goes on', async (_what, start) => {
    const slow = await Promise.all(Array.from({ length: 20 }, () => openSocket(rig)));
    for (const { socket } of slow) if (start !== '') socket.write(start);
    expect((await rig.ask('GET', '/v1/snapshot')).status).toBe(200);
    for (const { closed } of slow) {
      const text = await closed;
      if (text !== '') expect(text).toMatch(/^HTTP\/1\.1 408 [\s\S]*request\.timeout/);
      else expect(start).toBe('');
    }
  });

  test.each([
    ['handshake', false],
    ['request', true],
  ])('whose %s came in time while the server was busy with others are answered', async (_what, isKnown) => {
    const { socket, closed } = await openSocket(rig);
    // With TLS 1.3 the server's ticket tells that it has seen the end of the handshake.
    if (isKnown) await once(socket, 'session');
    // Outside of the socket's own event it is sent at once.
    await new Promise(setImmediate);
    socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2 * REQUEST_TIMEOUT_MS);
    expect(await closed).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('a header that never ends is too large, garbage is malformed', async () => {
    const long = await openSocket(rig);
    long.socket.write(`GET / HTTP/1.1\r\nX-Long: ${'x'.repeat(20_000)}`);
    expect(await long.closed).toMatch(/request\.too-large/);
    const garbage = await openSocket(rig);
    garbage.socket.write('\x00\x01\x02 hello\r\n\r\n');
    expect(await garbage.closed).toMatch(/^HTTP\/1\.1 400 [\s\S]*request\.malformed/);
  });
});

describe('many clients', () => {
  test('1,000 connections at once: each gets a whole answer', async () => {
    // One process is the server and all clients: how long it takes says nothing, so no limit on time may have a say.
    const patient = await startScriptedApi({ limits: { requestTimeoutMs: 120_000 } });
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => patient.ask('GET', '/healthz')));
    const statuses = new Map<number, number>();
    for (const { status } of answers) statuses.set(status, (statuses.get(status) ?? 0) + 1);
    expect([...statuses]).toEqual([[200, 1_000]]);
    await patient.close();
  });

  test('beyond the limit the answer is 503 and says when to come back; later all is well', async () => {
    const small = await startScriptedApi({ limits: { connections: 8 } });
    const idle = await Promise.all(Array.from({ length: 8 }, () => openSocket(small)));
    const answer = await small.ask('GET', '/v1/snapshot');
    expect(answer.json()).toMatchObject({ status: 503, code: 'request.overloaded' });
    expect(answer.headers).toMatchObject({ 'retry-after': '1', connection: 'close' });
    for (const { socket } of idle) socket.destroy();
    await expect.poll(async () => (await small.ask('GET', '/v1/snapshot')).status).toBe(200);
    await small.close();
  });

  test('one client is held to its rate by the clock; others are not', () => {
    let nowMs = 0;
    const take = createRateLimit({ monotonicMs: () => nowMs } as Clock, 10);
    const allowed = (client: string): number => {
      for (let count = 0; ; count += 1) {
        try {
          take(client);
        } catch (error) {
          expect(isSekishoError(error, 'request.too-many')).toBe(true);
          return count;
        }
      }
    };
    expect(allowed('a')).toBe(20);
    expect(allowed('b')).toBe(20);
    nowMs += 500;
    expect(allowed('a')).toBe(5);
    nowMs += 3_600_000;
    expect(allowed('a')).toBe(20);
  });

  test('over HTTPS that is a 429 with Retry-After', async () => {
    const strict = await startScriptedApi({ limits: { requestsPerSecond: 1 } });
    const answers = await Promise.all(Array.from({ length: 4 }, () => strict.ask('GET', '/v1/snapshot')));
    const refused = answers.find(({ status }) => status !== 200)!;
    // biome-ignore lint/suspicious/noThenProperty: a string is not callable
    expect(refused.json()).toMatchObject({ status: 429, code: 'request.too-many', then: 'wait' });
    expect(refused.headers['retry-after']).toBe('1');
    await strict.close();
  });
});

test('after all this the log holds no PIN, no number, no URL and no body', () => {
  expect(lines.length).toBeGreaterThan(100);
  // Without the random ids, of which some begin with the four digits of the PIN by chance.
  const log = lines.join('').replace(/"requestId":"[0-9a-f]{16}"/g, '');
  for (const canary of ['1234', '537686677188', 'passwd', 'colour', 'yesterday', cookie.split('=')[1]!]) {
    expect(log.includes(`"${canary}`) || log.includes(`/${canary}`), canary).toBe(false);
  }
  expect(log).toContain('"route":"PUT /v1/patients/{cardId}/link"');
});
