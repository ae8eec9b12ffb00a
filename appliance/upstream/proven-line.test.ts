import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { SekishoError } from '#contract/errors.ts';
import { answerJson } from './testdata/scripted-service.ts';
import { answerRoster, clientOf, failure, ROSTER, region, serve, tidy } from './testdata/test-bench.ts';
import { openRegion } from './testdata/test-region.ts';

afterEach(tidy);
afterAll(() => region.remove());

describe('an order of the SP', () => {
  test('is told with each answer that says so, a refused proof and a refused question too', async () => {
    let told = 0;
    const service = await serve((_, response) => {
      response.setHeader('Sekisho-Orders', 'waiting');
      answerJson(response, told === 1 ? 403 : 200, ROSTER);
    });
    const centre = clientOf(service.url, { onOrders: () => void told++ });
    await centre.serviceProvider.roster();
    expect(told).toBe(1);
    expect((await failure(centre.serviceProvider.roster())).code).toBe('centre.refused');
    expect(told).toBe(2);
    service.proofScript = (_, response) =>
      void response.writeHead(403, { 'Sekisho-Orders': 'waiting' }).end();
    await failure(centre.eligibility.byInsuredNumber({} as never));
    expect(told).toBe(3);
  });

  test('is not told without a word of it, nor with another word', async () => {
    let told = 0;
    const service = await serve((_, response) => {
      if (service.heard.length > 2) response.setHeader('Sekisho-Orders', 'none');
      answerJson(response, 200, ROSTER);
    });
    const centre = clientOf(service.url, { onOrders: () => void told++ });
    await centre.serviceProvider.roster();
    await centre.serviceProvider.roster();
    expect([service.heard.length, told]).toEqual([3, 0]);
  });
});

describe('device proof', () => {
  test('comes first on a connection and once', async () => {
    const service = await serve();
    const centre = clientOf(service.url);
    for (let round = 0; round < 4; round++) expect(await centre.serviceProvider.roster()).toEqual(ROSTER);
    expect(service.heard).toEqual(['1 proof', ...Array(4).fill('1 GET /v1/roster')]);
    expect(region.signer.signatures).toBe(1);
  });

  test('is given on each of two connections when many ask at once, and the rest queue', async () => {
    const service = await serve();
    const centre = clientOf(service.url);
    await Promise.all(Array.from({ length: 8 }, () => centre.serviceProvider.roster()));
    for (const number of [1, 2]) {
      const onConnection = service.heard.filter((line) => line.startsWith(`${number} `));
      expect(onConnection[0]).toBe(`${number} proof`);
      expect(onConnection.filter((line) => line.endsWith('proof'))).toHaveLength(1);
    }
    expect(region.signer.signatures).toBe(2);
    expect(service.heard).toHaveLength(10);
  });

  test('is made ahead by warm(), so that a question needs no SAM', async () => {
    const service = await serve();
    const centre = clientOf(service.url);
    await centre.warm();
    const made = region.signer.signatures;
    await centre.warm();
    await centre.serviceProvider.roster();
    expect(region.signer.signatures).toBe(made);
  });

  test('is repeated when the connection was lost, and no TLS session is resumed', async () => {
    const service = await serve();
    const centre = clientOf(service.url);
    await centre.serviceProvider.roster();
    service.cutConnections();
    expect(await centre.serviceProvider.roster()).toEqual(ROSTER);
    expect(service.heard.filter((line) => line.endsWith('proof')).length).toBeGreaterThanOrEqual(2);
    expect(service.resumed).toBe(0);
  });

  test('is repeated by itself, in the background, when an idle connection is lost', async () => {
    const service = await serve();
    const centre = clientOf(service.url);
    await centre.serviceProvider.roster();
    service.cutConnections();
    await expect.poll(() => service.heard).toEqual(['1 proof', '1 GET /v1/roster', '2 proof']);
    await centre.serviceProvider.roster();
    expect(service.heard.at(-1)).toBe('2 GET /v1/roster');
  });

  test('survives a server that closes after each answer', async () => {
    const service = await serve((_, response) => {
      response.setHeader('Connection', 'close');
      answerJson(response, 200, ROSTER);
    });
    const centre = clientOf(service.url);
    for (let round = 0; round < 3; round++) expect(await centre.serviceProvider.roster()).toEqual(ROSTER);
  });

  test('refused by the centre is centre.refused', async () => {
    const service = await serve();
    service.proofScript = (_, response) => void response.writeHead(403).end();
    expect((await failure(clientOf(service.url).serviceProvider.roster())).code).toBe('centre.refused');
  });

  test('that the SAM cannot give is centre.unreachable, whatever the SAM said', async () => {
    const service = await serve();
    const signer = {
      deviceCertificate: () => Promise.reject(new SekishoError('sam.absent')),
      signDeviceProof: () => Promise.reject(new Error('never asked')),
    };
    const { code } = await failure(clientOf(service.url, { signer }).serviceProvider.roster());
    expect(code).toBe('centre.unreachable');
  });
});

describe('a server that is not ours', () => {
  test('with a certificate of another authority is untrusted, and hears nothing', async () => {
    const stranger = openRegion();
    const service = await serve(answerRoster, { cert: stranger.server.pem, key: stranger.server.keyPem });
    expect((await failure(clientOf(service.url).serviceProvider.roster())).code).toBe('centre.untrusted');
    expect(service.heard).toEqual([]);
    expect(region.signer.signatures).toBe(0);
    stranger.remove();
  });

  test('with a certificate for another name is untrusted', async () => {
    const other = region.tls.issue('elsewhere', { extensions: 'subjectAltName=DNS:elsewhere.example' });
    const service = await serve(answerRoster, { cert: other.pem, key: other.keyPem });
    expect((await failure(clientOf(service.url).serviceProvider.roster())).code).toBe('centre.untrusted');
  });

  test('that speaks TLS 1.1 only is untrusted', async () => {
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' };
    const service = await serve(answerRoster, old);
    expect((await failure(clientOf(service.url).serviceProvider.roster())).code).toBe('centre.untrusted');
  });

  test.each(['-tls1_2', '-tls1_3'])(
    'that says (%s) that it does not accept our certificate is centre.refused',
    async (version) => {
      const stranger = openRegion();
      const { certFile, keyFile } = region.server;
      const authority = stranger.tls.certificate.certFile;
      const server = spawn('openssl', [
        ...[
          's_server',
          '-accept',
          '127.0.0.1:0',
          '-cert',
          certFile,
          '-key',
          keyFile,
          version,
          '-naccept',
          '1',
        ],
        ...['-Verify', '1', '-verify_return_error', '-CAfile', authority],
      ]);
      const ended = once(server, 'exit');
      const port = await acceptPort(server.stdout);
      const { code } = await failure(clientOf(`https://localhost:${port}`).serviceProvider.roster());
      expect(code).toBe('centre.refused');
      server.kill();
      await ended;
      stranger.remove();
    },
  );

  async function acceptPort(output: AsyncIterable<Buffer>): Promise<string> {
    let said = '';
    for await (const chunk of output) {
      said += chunk.toString();
      const port = /ACCEPT .*:(\d+)/.exec(said)?.[1];
      if (port !== undefined) return port;
    }
    throw new Error('openssl s_server did not start');
  }
});
