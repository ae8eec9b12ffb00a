import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Service } from '../http/service.ts';
import { type CentreParts, openCentreParts } from '../parts.ts';
import { startCentreService } from '../services.ts';
import { openssl } from '../testing/openssl.ts';
import { sharedRsaKey } from '../testing/rsa-keys.ts';
import { answerTimeStamp, TIME_STAMP_POLICY } from './response.ts';

const folder = mkdtempSync(join(tmpdir(), 'centre-tsa-'));
const NOW = Date.UTC(2026, 5, 1, 3, 4, 5, 120);
const data = join(folder, 'data');
let parts: CentreParts;
let service: Service;

beforeAll(async () => {
  parts = openCentreParts({ folder, nowMs: () => NOW, rsaKey: sharedRsaKey });
  service = await startCentreService('tsa', parts, { host: '127.0.0.1', port: 0 });
  writeFileSync(data, 'TickStamp1');
});
afterAll(async () => {
  await service.close();
  parts.close();
  rmSync(folder, { recursive: true, force: true });
});

async function query(name: string, ...options: string[]): Promise<string> {
  const path = join(folder, `${name}.tsq`);
  const { code, text } = await openssl('ts', '-query', '-data', data, ...options, '-out', path);
  expect(code, text).toBe(0);
  return path;
}

async function stamp(queryPath: string): Promise<string> {
  const response = await fetch(service.url, {
    method: 'POST',
    body: new Uint8Array(readFileSync(queryPath)),
    headers: { 'Content-Type': 'application/timestamp-query' },
  });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('application/timestamp-reply');
  const path = `${queryPath}.tsr`;
  writeFileSync(path, Buffer.from(await response.arrayBuffer()));
  return path;
}

const verify = (reply: string, ...more: string[]) =>
  openssl(
    'ts',
    '-verify',
    '-in',
    reply,
    '-CAfile',
    parts.pki.certificateFile('time-stamp-root'),
    '-attime',
    String(Math.floor(NOW / 1000)),
    ...more,
  );

describe('openssl ts as the client', () => {
  test.each(['-sha256', '-sha384', '-sha512'])('%s with certificate', async (hash) => {
    const asked = await query(`cert${hash}`, hash, '-cert');
    const reply = await stamp(asked);
    expect((await verify(reply, '-data', data)).text).toContain('Verification: OK');
    expect((await verify(reply, '-queryfile', asked)).text).toContain('Verification: OK');
  });

  test('the answer says time to the millisecond, accuracy, policy, nonce and who', async () => {
    const reply = await stamp(await query('text', '-sha256', '-cert'));
    const { text } = await openssl('ts', '-reply', '-in', reply, '-text');
    expect(text).toContain('Status: Granted.');
    expect(text).toContain('Time stamp: Jun  1 03:04:05.12 2026 GMT');
    expect(text).toContain('Accuracy: 0x0 seconds, 0x64 millis, unspecified micros');
    expect(text).toContain(`Policy OID: ${TIME_STAMP_POLICY}`);
    expect(text).toMatch(/Nonce: 0x[0-9A-F]+/);
    expect(text).toContain('TSA: DirName:/C=JP/O=Sekisho test centre/CN=Time stamp authority');
  });

  test('without certReq the certificate is not sent, and verifies when it is given', async () => {
    const reply = await stamp(await query('nocert', '-sha256', '-no_nonce'));
    expect((await verify(reply, '-data', data)).code).not.toBe(0);
    const more = ['-data', data, '-untrusted', parts.pki.certificateFile('time-stamper')];
    expect((await verify(reply, ...more)).text).toContain('Verification: OK');
  });

  test('other data and another nonce do not verify', async () => {
    const reply = await stamp(await query('one', '-sha256', '-cert'));
    const other = join(folder, 'other');
    writeFileSync(other, 'TickStamp2');
    expect((await verify(reply, '-data', other)).text).toContain('message imprint mismatch');
    const second = await query('two', '-sha256', '-cert');
    expect((await verify(reply, '-queryfile', second)).text).toContain('nonce mismatch');
  });

  test.each([
    ['an unknown policy', ['-sha256', '-tspolicy', '2.999.9'], 'requested TSA policy is not supported'],
    ['a broken digest', ['-sha1'], 'unrecognized or unsupported algorithm'],
  ])('%s is rejected with its reason', async (name, options, reason) => {
    const reply = await stamp(await query(name.replaceAll(' ', '-'), ...options));
    const { text } = await openssl('ts', '-reply', '-in', reply, '-text');
    expect(text).toContain('Status: Rejected.');
    expect(text).toMatch(new RegExp(reason));
  });
});

test('whatever is sent, the answer is a response', async () => {
  const timeStamper = { credential: parts.pki.timeStamper, nowMs: () => NOW };
  const good = readFileSync(await query('fuzz', '-sha256', '-cert'));
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (index, flip) => {
      const broken = Buffer.from(good);
      broken.writeUInt8(broken.readUInt8(index) ^ flip, index);
      expect(answerTimeStamp(timeStamper, broken).readUInt8(0)).toBe(0x30);
    }),
    { numRuns: 200 },
  );
  writeFileSync(join(folder, 'bad.tsr'), answerTimeStamp(timeStamper, Buffer.from('hello')));
  const { text } = await openssl('ts', '-reply', '-in', join(folder, 'bad.tsr'), '-text');
  expect(text).toContain('the data submitted has the wrong format');
});
