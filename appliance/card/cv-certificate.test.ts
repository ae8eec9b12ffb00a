import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSekishoError, SekishoError } from '#contract/errors.ts';
import { concatBytes, encodeHex } from './bytes.ts';
import {
  encodeCvBody,
  encodeCvCertificate,
  parseCvCertificate,
  splitCvCertificate,
  verifyCvCertificate,
} from './cv-certificate.ts';
import { encodeOrganisationKeyId, parseOrganisationKeyId } from './organisation-key-id.ts';
import type { Suite } from './suite.ts';

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
    expect(parseOrganisationKeyId(certificate.subjectKeyId)).toEqual({
      hierarchy: 'test',
      institutionCode: vector.institutionCode,
      expires: vector.expires ?? undefined,
    });
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

  it('encodes to the same bytes', () => {
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

describe('organisation key id', () => {
  it('comes back from its own encoding', () => {
    const ids = fc.record({
      hierarchy: fc.constantFrom('test' as const, 'production' as const),
      institutionCode: fc.stringMatching(/^\d{10}$/),
      expires: fc.option(
        fc.record({ year: fc.integer({ min: 2001, max: 2099 }), month: fc.integer({ min: 1, max: 12 }) }),
        { nil: undefined },
      ),
    });
    fc.assert(
      fc.property(ids, (id) => {
        const encoded = encodeOrganisationKeyId(id);
        expect(encoded).toHaveLength(16);
        expect(parseOrganisationKeyId(encoded)).toEqual(id);
      }),
      { numRuns: 100 },
    );
  });

  it.each([
    ['7000', '36303030313331323334353637383030'.replace(/^36/, '37')],
    ['month 13', '3630303031333132333435363738 2813'],
    ['month 00', '3630303031333132333435363738 2800'],
    ['no BCD', '3630303031333132333435363738 2A01'],
    ['15 bytes', '3630303031333132333435363738 28'],
    ['letters', '3630303041333132333435363738 0000'],
  ])('refuses %s', (_, hex) => {
    const bytes = Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
    expect(() => parseOrganisationKeyId(bytes)).toThrow(SekishoError);
  });

  it('refuses to encode what it could not read back', () => {
    const id = { hierarchy: 'test', institutionCode: '131234567', expires: undefined } as const;
    expect(() => encodeOrganisationKeyId(id)).toThrow(RangeError);
    const expires = { year: 2028, month: 13 };
    expect(() => encodeOrganisationKeyId({ ...id, institutionCode: '1312345678', expires })).toThrow(
      RangeError,
    );
  });
});
