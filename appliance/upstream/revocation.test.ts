import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { isSekishoError } from '#contract/errors.ts';
import {
  type IssuedCertificate,
  type OpensslAuthority,
  openRoot,
} from '#trust/testdata/openssl-authority.ts';
import { verifyTimeStampToken } from '#trust/tsp.ts';
import { openCentre } from './centre.ts';
import type { Centre } from './ports.ts';
import { makeScriptedClock } from './testdata/scripted-clock.ts';
import { openRegion, type TestRegion } from './testdata/test-region.ts';

type Answer = (body: Buffer) => Uint8Array | number;

/** Plain HTTP in front of the openssl command line. */
interface OpensslService {
  readonly url: string;
  /** By path; a number is a status. */
  readonly answers: Record<string, Answer>;
  readonly heard: string[];
  close(): Promise<void>;
}

let region: TestRegion;
let jpki: OpensslAuthority;
let hpki: OpensslAuthority;
let stranger: OpensslAuthority;
let responder: IssuedCertificate;
let good: IssuedCertificate;
let lost: IssuedCertificate;
let stamper: IssuedCertificate;
let service: OpensslService;
let centre: Centre;

async function openService(): Promise<OpensslService> {
  const answers: Record<string, Answer> = {};
  const heard: string[] = [];
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await buffer(request);
    if (body.length > 0 || request.method === 'GET')
      heard.push(`${request.headers['content-type']} ${request.url}`);
    const answer = answers[request.url ?? '']?.(body) ?? 404;
    if (typeof answer === 'number') response.writeHead(answer).end();
    else response.writeHead(200).end(answer);
  };
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.writeHead(500).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answers,
    heard,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function stamp(query: Buffer): Uint8Array {
  writeFileSync(join(jpki.directory, 'query.tsq'), query);
  writeFileSync(join(jpki.directory, 'tsaserial'), '01\n');
  const lines = [
    '[here]',
    'serial = tsaserial',
    'signer_digest = sha256',
    'default_policy = 1.2.3',
    'digests = sha256',
  ];
  lines.push(
    `signer_cert = ${stamper.certFile}`,
    `signer_key = ${stamper.keyFile}`,
    'ess_cert_id_alg = sha256',
  );
  writeFileSync(join(jpki.directory, 'tsa.cnf'), `${lines.join('\n')}\n`);
  const files = ['-config', 'tsa.cnf', '-section', 'here', '-queryfile', 'query.tsq', '-out', 'reply.tsr'];
  jpki.run('ts', '-reply', ...files);
  return readFileSync(join(jpki.directory, 'reply.tsr'));
}

function open(more: Partial<Parameters<typeof openCentre>[0]> = {}): Centre {
  const urls = {
    ocsp: `${service.url}/ocsp`,
    crls: [`${service.url}/hpki.crl`, `${service.url}/jpki.crl`],
    timeStamps: `${service.url}/tsa`,
  };
  const timeStampAuthorities = { anchors: [jpki.certificate.der] };
  const cardAuthorities = [{ anchors: [jpki.certificate.der] }, { anchors: [hpki.certificate.der] }];
  return openCentre({ ...region.options(urls), timeStampAuthorities, cardAuthorities, ...more });
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'resolved',
    (thrown: unknown) => (isSekishoError(thrown) ? thrown.code : String(thrown)),
  );
}

beforeAll(async () => {
  region = openRegion();
  jpki = openRoot(region.directory, 'jpki', {});
  hpki = openRoot(region.directory, 'hpki', {});
  stranger = openRoot(region.directory, 'stranger', {});
  responder = jpki.issue('responder', { extensions: 'extendedKeyUsage=OCSPSigning' });
  stamper = jpki.issue('tsa', { extensions: 'extendedKeyUsage=critical,timeStamping' });
  good = jpki.issue('good');
  lost = jpki.issue('lost');
  jpki.revoke(lost, 'certificateHold');
});
beforeAll(async () => {
  service = await openService();
});
afterEach(async () => {
  await centre.close();
  service.heard.length = 0;
  for (const path of Object.keys(service.answers)) delete service.answers[path];
});
afterAll(async () => {
  await service.close();
  region.remove();
});

describe('revocation', () => {
  const ask = (issued: IssuedCertificate) => centre.revocation.status(issued.der, jpki.certificate.der);
  const lists = (): void => {
    service.answers['/jpki.crl'] = () => jpki.crl();
    service.answers['/hpki.crl'] = () => hpki.crl();
  };

  test('asks OCSP, and nothing else, while that answers', async () => {
    service.answers['/ocsp'] = (body) => jpki.ocsp(body, responder);
    centre = open();
    expect(await ask(good)).toEqual({ status: 'good', checkedBy: 'ocsp' });
    expect(await ask(lost)).toMatchObject({ status: 'revoked', reason: 'hold' });
    expect(service.heard).toEqual(Array(2).fill('application/ocsp-request /ocsp'));
    expect(centre.health().revocation).toBe(true);
  });

  test.each([
    ['is down', () => 503],
    ['answers garbage', () => Buffer.from('garbage')],
    ['signs with a certificate of its own', (body: Buffer) => jpki.ocsp(body, good)],
    ['answers an older question', () => replay],
  ])('falls back to the list of the right issuer when OCSP %s', async (_, answer: Answer) => {
    service.answers['/ocsp'] = answer;
    lists();
    centre = open();
    expect(await ask(good)).toEqual({ status: 'good', checkedBy: 'crl' });
    expect(await ask(lost)).toMatchObject({ status: 'revoked', reason: 'hold' });
    expect(service.heard.filter((line) => line.endsWith('/ocsp'))).toHaveLength(1);
    expect(service.heard.filter((line) => line.endsWith('.crl'))).toHaveLength(2);
    expect(centre.health().revocation).toBe(false);
  });
  let replay: Uint8Array = Buffer.alloc(0);
  beforeAll(() => {
    jpki.run('ocsp', '-issuer', jpki.certificate.certFile, '-cert', good.certFile, '-reqout', 'old.der');
    replay = jpki.ocsp(readFileSync(join(jpki.directory, 'old.der')), responder);
  });

  test('uses the lists that warm() fetched when nothing answers any more', async () => {
    service.answers['/ocsp'] = (body) => jpki.ocsp(body, responder);
    lists();
    centre = open();
    await centre.warm();
    service.answers['/ocsp'] = () => 503;
    delete service.answers['/jpki.crl'];
    expect(await ask(lost)).toMatchObject({ status: 'revoked', reason: 'hold' });
  });

  test('does not use a list that has run out', async () => {
    lists();
    let shiftMs = 0;
    centre = open({ clock: makeScriptedClock(() => Date.now() + shiftMs) });
    expect(await ask(good)).toEqual({ status: 'good', checkedBy: 'crl' });
    shiftMs = 8 * 86_400_000;
    delete service.answers['/jpki.crl'];
    expect(await codeOf(ask(good))).toBe('revocation.unknown');
  });

  const utcTime = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+|[-:T]/g, '');
  test.each<[string, Answer]>([
    ['garbage', () => Buffer.from('garbage')],
    ['nothing', () => Buffer.alloc(0)],
    ['a web page', () => Buffer.from('<!DOCTYPE html><title>Log in to the network</title>')],
    ['a cut list', () => jpki.crl().subarray(0, -20)],
    ['the list of another trusted authority', () => hpki.crl()],
    ['a list that nobody trusted signed', () => stranger.crl()],
    ['an older list', () => jpki.crl('-crl_lastupdate', utcTime(Date.now() - 86_400_000))],
    ['an error page', () => 503],
  ])('keeps the last good list when %s comes instead, says so, and tries again', async (name, bad) => {
    lists();
    let shiftMs = 0;
    const clock = makeScriptedClock(() => Date.now() + shiftMs);
    centre = open({ clock });
    await centre.warm();
    expect(centre.health().revocationLists).toBe(true);
    service.answers['/jpki.crl'] = bad;
    shiftMs = 2 * 3_600_000;
    for (let round = 0; round < 2; round++) {
      expect(await ask(lost)).toMatchObject({ status: 'revoked', reason: 'hold' });
      await expect.poll(() => centre.health().revocationLists).toBe(false);
    }
    const next = jpki.issue(`lost-after-${name.replaceAll(' ', '-')}`);
    jpki.revoke(next, 'keyCompromise');
    lists();
    await clock.wake(1_000);
    await expect.poll(() => centre.health().revocationLists).toBe(true);
    expect(await ask(next)).toMatchObject({ status: 'revoked', reason: 'key-compromise' });
  });

  test('has no list before the first good one', async () => {
    service.answers['/jpki.crl'] = () => stranger.crl();
    centre = open();
    await centre.warm();
    expect(centre.health().revocationLists).toBe(false);
    expect(await codeOf(ask(good))).toBe('revocation.unknown');
  });

  test('renews its lists now and then while OCSP answers', async () => {
    service.answers['/ocsp'] = (body) =>
      body.length === 0 ? 400 : jpki.ocsp(body, responder, '-ndays', '2');
    lists();
    let shiftMs = 0;
    centre = open({ clock: makeScriptedClock(() => Date.now() + shiftMs) });
    await centre.warm();
    shiftMs = 23 * 3_600_000;
    service.heard.length = 0;
    expect(await ask(good)).toEqual({ status: 'good', checkedBy: 'ocsp' });
    await expect.poll(() => service.heard.filter((line) => line.endsWith('.crl'))).toHaveLength(2);
  });

  test('is unknown when neither answers', async () => {
    centre = open();
    expect(await codeOf(ask(good))).toBe('revocation.unknown');
    expect(centre.health().revocation).toBe(false);
  });

  test('an OCSP responder that does not know one certificate stays trusted for the next', async () => {
    service.answers['/ocsp'] = (body) => jpki.ocsp(body, responder);
    centre = open();
    expect(await codeOf(centre.revocation.status(hpki.certificate.der, jpki.certificate.der))).toBe(
      'revocation.unknown',
    );
    expect(await ask(good)).toEqual({ status: 'good', checkedBy: 'ocsp' });
  });

  test("rejects with the caller's reason when called off", async () => {
    centre = open();
    const reason = AbortSignal.abort(new Error('x'));
    expect(await codeOf(centre.revocation.status(good.der, jpki.certificate.der, reason))).toBe(
      'centre.timeout',
    );
  });
});

describe('time stamps', () => {
  const digest = createHash('sha256').update('tick').digest();

  test('a token comes back that verifies by itself', async () => {
    service.answers['/tsa'] = stamp;
    centre = open();
    const token = await centre.timeStamps.timeStamp(digest);
    const facts = verifyTimeStampToken(token, digest, { anchors: [jpki.certificate.der] });
    expect(Math.abs(facts.genTimeMs - Date.now())).toBeLessThan(60_000);
    expect(service.heard).toEqual(['application/timestamp-query /tsa']);
  });

  test.each([
    ['is down', () => 503],
    ['answers garbage', () => Buffer.from('garbage')],
    ['is not trusted', stamp],
  ])('time-stamp.unavailable when the authority %s', async (name, answer: Answer) => {
    service.answers['/tsa'] = answer;
    centre = open(
      name === 'is not trusted' ? { timeStampAuthorities: { anchors: [hpki.certificate.der] } } : {},
    );
    expect(await codeOf(centre.timeStamps.timeStamp(digest))).toBe('time-stamp.unavailable');
  });
});
