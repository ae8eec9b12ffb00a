import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSekishoError, SekishoError } from '#contract/errors.ts';
import { concatBytes, encodeHex } from './bytes.ts';
import { parseCvCertificate, splitCvCertificate, verifyCvCertificate } from './cv-certificate.ts';
import type { Suite } from './suite.ts';
import { encodeCvBody, encodeCvCertificate, encodeOrganisationKeyId } from './testing/cv-issuer.ts';

interface Vector {
  readonly suite: Suite;
  readonly issuerPublicKeyPem: string;
  readonly subjectPublicKeyPem: string;
  readonly issuerKeyIdHex: string;
  readonly institutionCode: string;
  readonly expires: { readonly year: number; readonly month: number } | null;
  readonly hex: string;
}

const { certificates } = JSON.parse(
  readFileSync(new URL('testdata/cv-certificates.json', import.meta.url), 'utf8'),
) as { certificates: Vector[] };

describe.each(certificates)('CV certificate of $suite', (vector) => {
  const bytes = Uint8Array.from(Buffer.from(vector.hex, 'hex'));
  const issuerKey = createPublicKey(vector.issuerPublicKeyPem);
  const subjectKey = createPublicKey(vector.subjectPublicKeyPem);

  it('parses what openssl and Python built', () => {
    const certificate = parseCvCertificate(bytes);
    expect(certificate.suite).toBe(vector.suite);
    expect(encodeHex(certificate.issuerKeyId)).toBe(vector.issuerKeyIdHex);
    const subjectKeyId = encodeOrganisationKeyId(vector.institutionCode, vector.expires ?? undefined);
    expect(encodeHex(certificate.subjectKeyId)).toBe(encodeHex(subjectKeyId));
    expect(certificate.publicKey.equals(subjectKey)).toBe(true);
  });

  it('verifies with the issuer key, and with no other', () => {
    const certificate = parseCvCertificate(bytes);
    expect(verifyCvCertificate(certificate, issuerKey)).toBe(true);
    for (const { issuerPublicKeyPem, subjectPublicKeyPem } of certificates) {
      if (issuerPublicKeyPem === vector.issuerPublicKeyPem) continue;
      expect(verifyCvCertificate(certificate, createPublicKey(issuerPublicKeyPem))).toBe(false);
      expect(verifyCvCertificate(certificate, createPublicKey(subjectPublicKeyPem))).toBe(false);
    }
    expect(verifyCvCertificate(certificate, subjectKey)).toBe(false);
    const forged = bytes.slice();
    forged.set([forged[20]! ^ 1], 20);
    expect(verifyCvCertificate(parseCvCertificate(forged), issuerKey)).toBe(false);
  });

  it('is what the issuer of our tests writes, too', () => {
    const { suite, issuerKeyId, subjectKeyId, signature } = parseCvCertificate(bytes);
    const body = encodeCvBody({ suite, issuerKeyId, subjectKeyId, publicKey: subjectKey });
    expect(encodeHex(encodeCvCertificate(body, signature))).toBe(vector.hex);
  });

  it('falls into the two halves that the card loads', () => {
    const { first, second } = splitCvCertificate(bytes);
    expect(concatBytes(first, second)).toEqual(bytes);
    expect([first.length, second.length]).toEqual(vector.suite === 'p384-sha384' ? [139, 99] : [307, 261]);
    expect(encodeHex(second.subarray(0, 2))).toBe('5F37');
  });

  it('refuses any truncation and any trailing byte', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: bytes.length - 1 }), (length) => {
        expect(() => parseCvCertificate(bytes.subarray(0, length))).toThrow(SekishoError);
      }),
      { numRuns: 100 },
    );
    expect(() => parseCvCertificate(concatBytes(bytes, Uint8Array.of(0xff)))).toThrow(SekishoError);
  });

  it('never fails on a damaged certificate with anything but card.protocol', () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 }), (at, byte) => {
        const damaged = bytes.slice();
        damaged.set([byte], at);
        try {
          const certificate = parseCvCertificate(damaged);
          expect(verifyCvCertificate(certificate, issuerKey)).toBe(byte === bytes[at]);
        } catch (thrown) {
          if (!isSekishoError(thrown, 'card.protocol')) throw thrown;
        }
      }),
      { numRuns: 150 },
    );
  });
});
