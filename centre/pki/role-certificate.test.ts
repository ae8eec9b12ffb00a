import { execFileSync } from 'node:child_process';
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseTlv, TlvCursor } from '../asn1/tlv.ts';
import { sharedRsaKey } from '../testing/rsa-keys.ts';
import { generatePrivateKey } from './algorithm.ts';
import { type CentrePki, openCentrePki } from './authority.ts';
import { parseCertificate } from './certificate.ts';
import { encodePem, parsePem } from './key-folder.ts';
import { findAttribute } from './name.ts';
import { issueOrganisationCertificate } from './organisation-certificate.ts';
import {
  issueHpkiAuthentication,
  issueSamDevice,
  issueTlsClient,
  issueTlsServer,
} from './role-certificate.ts';

const folder = mkdtempSync(join(tmpdir(), 'centre-pki-'));
let pki: CentrePki;
let rsa: KeyObject;
let ec: KeyObject;

beforeAll(() => {
  pki = openCentrePki(join(folder, 'pki'), { rsaKey: sharedRsaKey });
  rsa = sharedRsaKey('card');
  ec = generatePrivateKey('p-256');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const openssl = (...args: string[]): string =>
  execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] }).toString();
function save(name: string, der: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, encodePem(der));
  return path;
}

describe('role certificates', () => {
  test('HPKI: chain through the intermediate, hcRole readable', () => {
    const der = issueHpkiAuthentication(pki, {
      publicKey: createPublicKey(rsa),
      commonName: 'Mihon Hanako',
      roles: ['Medical Doctor'],
    });
    const path = save('hpki.pem', der);
    expect(
      openssl(
        'verify',
        '-CAfile',
        pki.certificateFile('hpki-root'),
        '-untrusted',
        pki.certificateFile('hpki-authentication'),
        path,
      ),
    ).toContain(': OK');
    const value = parseCertificate(der).extensions.get('2.5.29.9')!.value;
    const parsed = execFileSync('openssl', ['asn1parse', '-inform', 'DER'], { input: value }).toString();
    expect(parsed).toContain(':1.0.17090.0.1');
    expect(parsed).toContain(':1.2.392.100495.1.6.1.1');
    expect(parsed).toContain('UTF8STRING        :Medical Doctor');
  });

  test('SAM device and TLS certificates carry their identity', () => {
    const device = parseCertificate(
      issueSamDevice(pki, { samId: '0011223344556677', publicKey: createPublicKey(ec) }),
    );
    expect(findAttribute(device.subject, 'CN')).toBe('0011223344556677');
    const server = save(
      'server.pem',
      issueTlsServer(pki, {
        hosts: ['127.0.0.1', 'localhost', '::1', '2001:db8::7'],
        publicKey: createPublicKey(ec),
      }),
    );
    expect(
      openssl(
        'verify',
        '-purpose',
        'sslserver',
        '-verify_ip',
        '127.0.0.1',
        '-CAfile',
        pki.centreTls.certificateFile,
        server,
      ),
    ).toContain(': OK');
    expect(
      openssl('verify', '-verify_ip', '2001:db8::7', '-CAfile', pki.centreTls.certificateFile, server),
    ).toContain(': OK');
    expect(
      openssl('verify', '-verify_hostname', 'localhost', '-CAfile', pki.centreTls.certificateFile, server),
    ).toContain(': OK');
    const client = save(
      'client.pem',
      issueTlsClient(pki, { institutionCode: '1312345678', publicKey: createPublicKey(ec) }),
    );
    expect(
      openssl('verify', '-purpose', 'sslclient', '-CAfile', pki.centreTls.certificateFile, client),
    ).toContain(': OK');
    expect(() =>
      openssl('verify', '-purpose', 'sslserver', '-CAfile', pki.centreTls.certificateFile, client),
    ).toThrow();
  });

  test('organisation certificates have the measured sizes and a verifiable signature', () => {
    const halves = (object: Buffer): { body: Buffer; signature: Buffer } => {
      const cursor = new TlvCursor(parseTlv(object, 0x7f21).content);
      const body = cursor.take(0x5f4e).content;
      const signature = cursor.take(0x5f37).content;
      cursor.end();
      return { body, signature };
    };
    const first = issueOrganisationCertificate(pki, {
      publicKey: createPublicKey(rsa),
      institutionCode: '1312345678',
      expires: { year: 2031, month: 3 },
    });
    expect(first.length).toBe(568);
    expect(first.subarray(0, 9).toString('hex')).toBe('7f218202335f4e8201');
    const rsaHalves = halves(first);
    expect(rsaHalves.body.length).toBe(297);
    expect(rsaHalves.body.subarray(0, 16).equals(pki.organisationRoots['rsa-2048'].keyId)).toBe(true);
    expect(rsaHalves.body.subarray(16, 32).toString('latin1')).toBe('60001312345678\x31\x03');
    expect(
      verify(
        'sha256',
        rsaHalves.body,
        createPublicKey(pki.organisationRoots['rsa-2048'].key),
        rsaHalves.signature,
      ),
    ).toBe(true);
    const second = issueOrganisationCertificate(pki, {
      publicKey: createPublicKey(generatePrivateKey('p-384')),
      institutionCode: '1312345678',
    });
    expect(second.length).toBe(238);
    const ecHalves = halves(second);
    expect(ecHalves.body.length).toBe(131);
    const root = createPublicKey(pki.organisationRoots['p-384'].key);
    expect(
      verify('sha384', ecHalves.body, { key: root, dsaEncoding: 'ieee-p1363' }, ecHalves.signature),
    ).toBe(true);
    expect(() =>
      issueOrganisationCertificate(pki, { publicKey: createPublicKey(ec), institutionCode: '1312345678' }),
    ).toThrow();
  });

  test('PEM is read back, and other text refused', () => {
    const der = pki.centreTls.certificate.der;
    expect(parsePem(encodePem(der)).equals(der)).toBe(true);
    expect(() => parsePem('hello')).toThrow();
  });
});
