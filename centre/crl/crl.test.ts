import { createPublicKey } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Service } from '../http/service.ts';
import { type CentreParts, openCentreParts } from '../parts.ts';
import { generatePrivateKey } from '../pki/algorithm.ts';
import type { JpkiGeneration } from '../pki/authority.ts';
import { issueJpkiAuthentication } from '../pki/jpki.ts';
import { encodePem } from '../pki/key-folder.ts';
import { startCentreService } from '../services.ts';
import { openssl } from '../testing/openssl.ts';
import { sharedRsaKey } from '../testing/rsa-keys.ts';

const folder = mkdtempSync(join(tmpdir(), 'centre-crl-'));
const NOW = Date.UTC(2026, 5, 1, 3, 4, 5);
const AT = ['-attime', String(NOW / 1000 + 60)];
let parts: CentreParts;
let service: Service;

beforeAll(async () => {
  parts = openCentreParts({ folder, nowMs: () => NOW, rsaKey: sharedRsaKey });
  service = await startCentreService('crl', parts, { host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await service.close();
  parts.close();
  rmSync(folder, { recursive: true, force: true });
});

async function fetchList(generation: JpkiGeneration): Promise<string> {
  const response = await fetch(
    `${service.url}/crl/${parts.pki.jpkiAuthentication[generation].certificate.keyId}.crl`,
  );
  expect(response.headers.get('content-type')).toBe('application/pkix-crl');
  const path = join(folder, `${generation}.crl`);
  writeFileSync(path, encodePem(Buffer.from(await response.arrayBuffer()), 'X509 CRL'));
  return path;
}

test('an empty list is valid and says when the next one comes', async () => {
  const list = await fetchList('p384');
  const { text } = await openssl(
    'crl',
    '-in',
    list,
    '-noout',
    '-text',
    '-CAfile',
    parts.pki.jpkiAuthentication.p384.certificateFile,
  );
  expect(text).toContain('verify OK');
  expect(text).toContain('Version 2');
  expect(text).toContain('ecdsa-with-SHA384');
  expect(text).toContain('No Revoked Certificates');
  expect(text).toContain('Next Update: Jun  2 03:04:05 2026 GMT');
});

test('openssl refuses a certificate on the list and accepts it again when the hold is lifted', async () => {
  const { g2 } = parts.pki.jpkiAuthentication;
  const { keyId } = g2.certificate;
  const [held, gone] = [Buffer.from('21212121', 'hex'), Buffer.from('31313131', 'hex')];
  const certificate = join(folder, 'held.pem');
  const request = {
    publicKey: createPublicKey(generatePrivateKey('p-256')),
    serial: held.toString('hex'),
    notBeforeMs: Date.UTC(2024, 0, 1),
    notAfterMs: Date.UTC(2029, 0, 1),
  };
  writeFileSync(certificate, encodePem(issueJpkiAuthentication(parts.pki, request)));
  parts.revocations.revoke(keyId, held, 'certificateHold', NOW - 5_000);
  parts.revocations.revoke(keyId, gone, 'unspecified', NOW - 4_000);
  const before = await fetchList('g2');
  const printed = (await openssl('crl', '-in', before, '-noout', '-text', '-CAfile', g2.certificateFile))
    .text;
  expect(printed).toContain('verify OK');
  expect(printed).toMatch(/Serial Number: 21212121[\s\S]*Certificate Hold[\s\S]*Serial Number: 31313131/);
  expect(printed).toContain(
    `X509v3 Authority Key Identifier: \n                ${keyId.toUpperCase().match(/../g)!.join(':')}`,
  );
  const number = Number(/X509v3 CRL Number: \n\s+(\d+)/.exec(printed)?.[1]);
  const check = ['verify', '-crl_check', ...AT, '-CAfile', g2.certificateFile];
  expect((await openssl(...check, '-CRLfile', before, certificate)).text).toContain('certificate revoked');
  parts.revocations.release(keyId, held);
  const after = await fetchList('g2');
  expect((await openssl(...check, '-CRLfile', after, certificate)).text).toContain(': OK');
  expect((await openssl('crl', '-in', after, '-noout', '-crlnumber')).text.trim()).toBe(
    `crlNumber=0x${(number + 1).toString(16).padStart(2, '0')}`,
  );
});

test('an unknown authority has no list', async () => {
  expect((await fetch(`${service.url}/crl/${'00'.repeat(20)}.crl`)).status).toBe(404);
});
