import { execFileSync } from 'node:child_process';
import { createPublicKey, type KeyObject } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generatePrivateKey } from './algorithm.ts';
import { type CentrePki, openCentrePki } from './authority.ts';
import { parseCertificate, randomSerial, signCertificate, validatePath } from './certificate.ts';
import { extension, keyUsage } from './extension.ts';
import { fifthBirthdayMs, issueJpkiAuthentication, issueJpkiSigning, JPKI_TEST_POLICY } from './jpki.ts';
import { encodePem } from './key-folder.ts';
import { encodeName } from './name.ts';

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
