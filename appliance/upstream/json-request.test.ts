import { inspect } from 'node:util';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { answerJson, type Script } from './testdata/scripted-service.ts';
import { clientOf, failure, ROSTER, region, serve, tidy } from './testdata/test-bench.ts';

afterEach(tidy);
afterAll(() => region.remove());

const SECRET = 'ヤマダタロウ-secret';

describe('answers', () => {
  const garbled: Record<string, Script> = {
    'are not JSON': (_, response) =>
      void response.writeHead(200, { 'Content-Type': 'application/json' }).end(SECRET),
    'are JSON of another shape': (_, response) => answerJson(response, 200, { ...ROSTER, version: SECRET }),
    'have an unknown field': (_, response) => answerJson(response, 200, { ...ROSTER, [SECRET]: 1 }),
    'are HTML': (_, response) => answerJson(response, 200, ROSTER, 'text/html'),
    'have a strange status': (_, response) => answerJson(response, 302, ROSTER),
    'end too early': (_, response) => {
      response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': 5000 }).write(SECRET);
      setImmediate(() => response.socket?.destroy());
    },
    'never end': (_, response) => {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      const pour = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536, 0x20))) {}
      };
      response.on('drain', pour);
      pour();
    },
    'are not HTTP': (_, response) => void response.socket?.end('SSH-2.0-OpenSSH_9.2\r\n'),
  };

  test.each(Object.entries(garbled))(
    'that %s are centre.garbled, and not repeated in the error',
    async (_, script) => {
      const service = await serve(script);
      const error = await failure(clientOf(service.url).serviceProvider.roster());
      expect(error.code).toBe('centre.garbled');
      expect(inspect({ error, context: error.context }, { depth: 9 })).not.toContain('secret');
    },
  );

  test.each([
    [403, 'device-revoked', 'centre.refused'],
    [401, 'device-proof-missing', 'centre.refused'],
    [403, 'limits-exceeded', 'centre.rejected-request'],
    [422, 'message-invalid', 'centre.rejected-request'],
    [409, 'conflict', 'centre.rejected-request'],
    [500, 'internal', 'centre.unreachable'],
    [503, 'internal', 'centre.unreachable'],
  ])('%i %s is %s', async (status, problem, code) => {
    const document = { type: 'x', title: SECRET, status, code: problem };
    const service = await serve((_, response) =>
      answerJson(response, status, document, 'application/problem+json'),
    );
    const error = await failure(clientOf(service.url).serviceProvider.roster());
    expect(error.code).toBe(code);
    expect(error.context).toEqual({ status, problem });
  });

  test('that hang up without a word are centre.unreachable', async () => {
    const service = await serve((_, response) => void response.socket?.end());
    expect((await failure(clientOf(service.url).serviceProvider.roster())).code).toBe('centre.unreachable');
  });
});
