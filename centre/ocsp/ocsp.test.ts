import { createPublicKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Service } from '../http/service.ts';
import { type CentreParts, openCentreParts } from '../parts.ts';
import { generatePrivateKey } from '../pki/algorithm.ts';
import { issueJpkiAuthentication } from '../pki/jpki.ts';
import { encodePem } from '../pki/key-folder.ts';
import { REVOCATION_REASONS, type RevocationReason } from '../pki/revocation-register.ts';
import { startCentreService } from '../services.ts';
import { openssl } from '../testing/openssl.ts';
import { sharedRsaKey } from '../testing/rsa-keys.ts';
import { answerOcsp } from './response.ts';

const folder = mkdtempSync(join(tmpdir(), 'centre-ocsp-'));
const NOW = Date.UTC(2026, 5, 1, 3, 4, 5);
const publicKey = createPublicKey(generatePrivateKey('p-256'));
let parts: CentreParts;
let service: Service;

beforeAll(async () => {
  parts = openCentreParts({ folder, nowMs: () => NOW, rsaKey: sharedRsaKey });
  service = await startCentreService('ocsp', parts, { host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await service.close();
  parts.close();
  rmSync(folder, { recursive: true, force: true });
});

function issue(serial: string, generation: 'g1' | 'g2' | 'p384' = 'g2'): string {
  const validity = { notBeforeMs: Date.UTC(2024, 0, 1), notAfterMs: Date.UTC(2029, 0, 1) };
  const path = join(folder, `${serial}-${generation}.pem`);
  writeFileSync(
    path,
    encodePem(issueJpkiAuthentication(parts.pki, { publicKey, serial, generation, ...validity })),
  );
  return path;
}

/** The test clock is not the machine's, so openssl is told to tolerate a century of difference. */
const TOLERANCE = ['-validity_period', '3000000000'];

const ask = (certificate: string, generation: 'g1' | 'g2' | 'p384' = 'g2', ...more: string[]) => {
  const issuer = parts.pki.jpkiAuthentication[generation].certificateFile;
  return openssl(
    'ocsp',
    '-url',
    service.url,
    '-issuer',
    issuer,
    ...more,
    '-cert',
    certificate,
    '-CAfile',
    issuer,
    ...TOLERANCE,
  );
};
const revoke = (serial: string, reason: RevocationReason): void =>
  parts.revocations.revoke(
    parts.pki.jpkiAuthentication.g2.certificate.keyId,
    Buffer.from(serial, 'hex'),
    reason,
    NOW - 86_400_000,
  );

describe('openssl ocsp as the client', () => {
  test('good, with nonce, by SHA-1 and by SHA-256', async () => {
    const certificate = issue('10000001');
    for (const hash of ['-sha1', '-sha256']) {
      const { text } = await ask(certificate, 'g2', hash);
      expect(text).toContain('Response verify OK');
      expect(text).toContain(`${certificate}: good`);
      expect(text).not.toContain('no nonce');
      expect(text).toContain('This Update: Jun  1 03:04:05 2026 GMT');
    }
  });

  test.each(['g1', 'g2', 'p384'] as const)(
    'the delegate of %s signs for its own authority',
    async (generation) => {
      const { text } = await ask(issue('10000002', generation), generation);
      expect(text).toContain('Response verify OK');
      expect(text).toContain(': good');
    },
  );

  test.each(Object.keys(REVOCATION_REASONS) as RevocationReason[])('revoked with %s', async (reason) => {
    const serial = `2000000${REVOCATION_REASONS[reason]}`;
    revoke(serial, reason);
    const { text } = await ask(issue(serial));
    expect(text).toContain('Response verify OK');
    expect(text).toContain(': revoked');
    expect(text).toContain('Revocation Time: May 31 03:04:05 2026 GMT');
    if (reason === 'unspecified') expect(text).not.toContain('Reason:');
    else expect(text).toContain(`Reason: ${reason}`);
  });

  test('a hold can be lifted, a final revocation cannot', async () => {
    const issuer = parts.pki.jpkiAuthentication.g2.certificate.keyId;
    const certificate = issue('30000001');
    revoke('30000001', 'certificateHold');
    expect((await ask(certificate)).text).toContain('Reason: certificateHold');
    expect(parts.revocations.release(issuer, Buffer.from('30000001', 'hex'))).toBe(true);
    expect((await ask(certificate)).text).toContain(': good');
    revoke('30000001', 'certificateHold');
    revoke('30000001', 'cessationOfOperation');
    revoke('30000001', 'superseded');
    expect((await ask(certificate)).text).toContain('Reason: cessationOfOperation');
    expect(parts.revocations.release(issuer, Buffer.from('30000001', 'hex'))).toBe(false);
  });

  test('the same serial under another generation is another certificate', async () => {
    revoke('40000001', 'superseded');
    expect((await ask(issue('40000001', 'g1'), 'g1')).text).toContain(': good');
    expect((await ask(issue('40000001', 'g2'), 'g2')).text).toContain(': revoked');
  });

  test('two questions in one request', async () => {
    const [first, second] = [issue('50000001'), issue('50000002')];
    revoke('50000002', 'superseded');
    const { text } = await ask(first, 'g2', '-cert', second);
    expect(text).toContain('Response verify OK');
    expect(text).toContain(`${first}: good`);
    expect(text).toContain(`${second}: revoked`);
  });

  test('questions about two authorities in one request have no signer', async () => {
    const { g1, g2 } = parts.pki.jpkiAuthentication;
    const [first, second] = [issue('50000003', 'g2'), issue('50000004', 'g1')];
    const questions = [
      '-issuer',
      g2.certificateFile,
      '-cert',
      first,
      '-issuer',
      g1.certificateFile,
      '-cert',
      second,
    ];
    const { text } = await openssl('ocsp', '-url', service.url, ...questions);
    expect(text).toContain('unauthorized');
  });

  test('an authority that is not ours gets no signed answer', async () => {
    const root = parts.pki.certificateFile('hpki-root');
    const certificate = parts.pki.certificateFile('hpki-authentication');
    const { text } = await openssl('ocsp', '-url', service.url, '-issuer', root, '-cert', certificate);
    expect(text).toContain('unauthorized');
  });
});

describe('HTTP', () => {
  async function requestDer(serial: string): Promise<Buffer> {
    const out = join(folder, `${serial}.req`);
    await openssl(
      'ocsp',
      '-issuer',
      parts.pki.jpkiAuthentication.g2.certificateFile,
      '-cert',
      issue(serial),
      '-reqout',
      out,
    );
    return readFileSync(out);
  }

  test.each(['escaped', 'bare'])('GET with %s base64', async (form) => {
    const base64 = (await requestDer('60000001')).toString('base64');
    const response = await fetch(`${service.url}/${form === 'bare' ? base64 : encodeURIComponent(base64)}`);
    expect(response.headers.get('content-type')).toBe('application/ocsp-response');
    const path = join(folder, `${form}.resp`);
    writeFileSync(path, Buffer.from(await response.arrayBuffer()));
    const { g2 } = parts.pki.jpkiAuthentication;
    const { text } = await openssl(
      'ocsp',
      '-reqin',
      join(folder, '60000001.req'),
      '-respin',
      path,
      '-issuer',
      g2.certificateFile,
      '-CAfile',
      g2.certificateFile,
      ...TOLERANCE,
    );
    expect(text).toContain('Response verify OK');
  });

  test('another media type is refused', async () => {
    const response = await fetch(service.url, {
      method: 'POST',
      body: '{}',
      headers: { 'Content-Type': 'application/json' },
    });
    expect(response.status).toBe(415);
  });

  test('whatever is sent, the answer is an OCSP response', async () => {
    const good = await requestDer('70000001');
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (index, flip) => {
        const broken = Buffer.from(good);
        broken.writeUInt8(broken.readUInt8(index) ^ flip, index);
        expect(answerOcsp(parts, broken).readUInt8(0)).toBe(0x30);
      }),
      { numRuns: 200 },
    );
    expect(answerOcsp(parts, Buffer.from('not DER')).toString('hex')).toBe('30030a0101');
    const nonceless = Buffer.from(
      good.toString('hex').replace(/0410[0-9a-f]{32}$/, `0400${'00'.repeat(16)}`),
      'hex',
    );
    expect(answerOcsp(parts, nonceless).toString('hex')).toBe('30030a0101');
  });
});
