import { execFileSync } from 'node:child_process';
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseTlv, TlvCursor } from '../asn1/tlv.ts';
import { generatePrivateKey } from './algorithm.ts';
import { type CentrePki, openCentrePki } from './authority.ts';
import { parseCertificate, randomSerial, signCertificate, validatePath } from './certificate.ts';
import { extension, keyUsage } from './extension.ts';
import { fifthBirthdayMs, issueJpkiAuthentication, issueJpkiSigning, JPKI_TEST_POLICY } from './jpki.ts';
import { encodePem, parsePem } from './key-folder.ts';
import { encodeName, findAttribute } from './name.ts';
import { issueOrganisationCertificate } from './organisation-certificate.ts';
import {
  issueHpkiAuthentication,
  issueSamDevice,
  issueTlsClient,
  issueTlsServer,
} from './role-certificate.ts';

const folder = mkdtempSync(join(tmpdir(), 'centre-pki-'));
const NOW = Date.UTC(2026, 5, 1);
let pki: CentrePki;
let rsa: KeyObject;
let ec: KeyObject;

beforeAll(() => {
  pki = openCentrePki(join(folder, 'pki'));
  rsa = generatePrivateKey('rsa-2048');
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
const text = (path: string): string =>
  openssl('x509', '-in', path, '-noout', '-text', '-certopt', 'ext_parse');
const validity = { notBeforeMs: Date.UTC(2024, 0, 1), notAfterMs: Date.UTC(2029, 0, 1) };
const authentication = (generation: 'g1' | 'g2' | 'p384', serial?: string): Buffer =>
  issueJpkiAuthentication(pki, {
    publicKey: createPublicKey(rsa),
    generation,
    ...validity,
    ...(serial === undefined ? {} : { serial }),
  });

describe('the hierarchy', () => {
  test('is created once, readable by its owner only, and loaded unchanged', () => {
    const files = readdirSync(pki.folder).sort();
    expect(files).toContain('jpki-authentication-g1.key.pem');
    for (const file of files) expect(statSync(join(pki.folder, file)).mode & 0o777).toBe(0o600);
    const before = files.map((file) => readFileSync(join(pki.folder, file), 'utf8'));
    const again = openCentrePki(pki.folder, {
      rsaKey: () => {
        throw new Error('a key was generated twice');
      },
    });
    expect(
      readdirSync(pki.folder)
        .sort()
        .map((file) => readFileSync(join(pki.folder, file), 'utf8')),
    ).toEqual(before);
    expect(again.samDevice.certificate.der.equals(pki.samDevice.certificate.der)).toBe(true);
  });

  test('the JPKI generations share their name and not their key', () => {
    const { g1, g2, p384 } = pki.jpkiAuthentication;
    expect(g1.certificate.subject.equals(g2.certificate.subject)).toBe(true);
    expect(new Set([g1.certificate.keyId, g2.certificate.keyId, p384.certificate.keyId]).size).toBe(3);
    expect(text(p384.certificateFile)).toContain('ecdsa-with-SHA384');
  });

  test('openssl accepts every authority and role certificate', () => {
    const verifyFile = (ca: string, file: string, ...more: string[]): string =>
      openssl(
        'verify',
        '-x509_strict',
        '-check_ss_sig',
        '-CAfile',
        pki.certificateFile(ca),
        ...more,
        pki.certificateFile(file),
      );
    for (const root of [
      'jpki-authentication-g1',
      'jpki-authentication-g2',
      'jpki-authentication-p384',
      'jpki-signing',
      'hpki-root',
      'sam-device',
      'centre-tls',
      'time-stamp-root',
    ]) {
      expect(
        openssl('verify', '-check_ss_sig', '-CAfile', pki.certificateFile(root), pki.certificateFile(root)),
      ).toContain(': OK');
    }
    expect(verifyFile('time-stamp-root', 'time-stamper', '-purpose', 'timestampsign')).toContain(': OK');
    expect(verifyFile('hpki-root', 'hpki-authentication')).toContain(': OK');
    expect(verifyFile('jpki-authentication-g2', 'jpki-authentication-g2-ocsp')).toContain(': OK');
  });

  test('the audit certificate opens what openssl cms sealed for it', () => {
    const sealed = execFileSync(
      'openssl',
      ['cms', '-encrypt', '-binary', '-aes-256-cbc', '-outform', 'DER', pki.certificateFile('audit')],
      { input: 'sealed evidence' },
    );
    const opened = execFileSync(
      'openssl',
      ['cms', '-decrypt', '-inform', 'DER', '-inkey', join(pki.folder, 'audit.key.pem')],
      { input: sealed },
    );
    expect(opened.toString()).toBe('sealed evidence');
  });
});

describe('JPKI certificates', () => {
  test('authentication: the profile, as openssl prints it', () => {
    const path = save('auth.pem', authentication('g2', '5a0b0c0d'));
    expect(openssl('verify', '-CAfile', pki.jpkiAuthentication.g2.certificateFile, path)).toContain(': OK');
    const printed = text(path);
    expect(printed).toContain('Serial Number: 1510673421 (0x5a0b0c0d)');
    expect(printed).toMatch(/Subject: C = JP, CN = [0-9A-F]{21}A\n/);
    expect(printed).toContain('X509v3 Key Usage: critical\n                Digital Signature\n');
    expect(printed).toContain(`Policy: ${JPKI_TEST_POLICY.authentication}`);
    expect(printed).toContain('CPS: http://www.jpki.go.jp/cps.html');
    expect(printed).toMatch(/DirName:C = JP, O = JPKI-TEST, OU = JPKI for user authentication.*CN = CRLDP/);
    expect(printed).not.toContain('Alternative');
  });

  test('the issuer is found by its key, though the names are the same', () => {
    const authorities = Object.values(pki.jpkiAuthentication).map((authority) => authority.certificate);
    for (const generation of ['g1', 'g2', 'p384'] as const) {
      const verdict = validatePath(parseCertificate(authentication(generation)), authorities, NOW);
      expect(verdict).toMatchObject({
        ok: true,
        issuer: { keyId: pki.jpkiAuthentication[generation].certificate.keyId },
      });
      const wrong = generation === 'g1' ? 'g2' : 'g1';
      expect(() =>
        openssl(
          'verify',
          '-CAfile',
          pki.jpkiAuthentication[wrong].certificateFile,
          save('w.pem', authentication(generation)),
        ),
      ).toThrow();
    }
  });

  test('path validation names what is wrong', () => {
    const trusted = [pki.jpkiAuthentication.g2.certificate];
    const certificate = parseCertificate(authentication('g2'));
    const reason = (atMs: number, policies: string[] = []): string => {
      const verdict = validatePath(certificate, trusted, atMs, policies);
      return verdict.ok ? 'ok' : verdict.reason;
    };
    expect(reason(NOW)).toBe('ok');
    expect(reason(Date.UTC(2023, 0, 1))).toBe('not-yet-valid');
    expect(reason(Date.UTC(2029, 0, 2))).toBe('expired');
    expect(reason(NOW, [JPKI_TEST_POLICY.signing])).toBe('wrong-usage');
    const verdictOf = (der: Buffer): string => {
      const verdict = validatePath(parseCertificate(der), trusted, NOW);
      return verdict.ok ? 'ok' : verdict.reason;
    };
    expect(verdictOf(authentication('g1'))).toBe('untrusted');
    const forged = authentication('g2');
    forged.writeUInt8(forged.readUInt8(forged.length - 1) ^ 1, forged.length - 1);
    expect(verdictOf(forged)).toBe('untrusted');
    expect(verdictOf(pki.jpkiAuthentication.g2.certificate.der)).toBe('wrong-usage');
    const odd = signCertificate(
      {
        serial: randomSerial(),
        issuer: trusted[0]!.subject,
        subject: encodeName([['CN', 'odd']]),
        publicKey: createPublicKey(ec),
        ...validity,
        extensions: [keyUsage(0), extension('2.999.7', true, Buffer.of(5, 0))],
      },
      pki.jpkiAuthentication.g2.key,
    );
    expect(verdictOf(odd)).toBe('wrong-usage');
  });

  test('signing: personal data in otherNames, both usages', () => {
    const der = issueJpkiSigning(pki, {
      publicKey: createPublicKey(rsa),
      ...validity,
      name: '見本 太郎',
      address: '架空県見本市1-2-3',
      locality: 'Mihon-shi',
      birthDate: '19900102',
      sex: '1',
    });
    const path = save('sign.pem', der);
    expect(openssl('verify', '-CAfile', pki.jpkiSigning.certificateFile, path)).toContain(': OK');
    expect(text(path)).toContain('Digital Signature, Non Repudiation');
    const parsed = execFileSync('openssl', ['asn1parse', '-inform', 'DER'], {
      input: parseCertificate(der).extensions.get('2.5.29.17')!.value,
    }).toString();
    expect(parsed).toContain('1.2.392.200149.8.5.5.4');
    expect(parsed).toContain(':419900102');
  });

  test('a certificate lives until its fifth birthday', () => {
    expect(new Date(fifthBirthdayMs('19900710', Date.UTC(2024, 3, 1))).toISOString()).toBe(
      '2028-07-10T14:59:59.000Z',
    );
    expect(new Date(fifthBirthdayMs('19900110', Date.UTC(2024, 3, 1))).toISOString()).toBe(
      '2029-01-10T14:59:59.000Z',
    );
  });
});

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
