import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isSekishoError } from '#contract/errors.ts';
import type { Trust } from './ports.ts';
import { type CardRegion, JPKI_POLICY, openCardRegion } from './testdata/card-region.ts';
import type { IssuedCertificate } from './testdata/openssl-authority.ts';
import { makeTrust } from './x509.ts';

const NOW = Date.UTC(2026, 5, 1);
let region: CardRegion;
let trust: Trust;

beforeAll(() => {
  region = openCardRegion();
  trust = region.pin();
});

afterAll(() => region.remove());

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (thrown) {
    return isSekishoError(thrown) ? thrown.code : String(thrown);
  }
  return 'nothing thrown';
}

describe('facts', () => {
  test('agree with what openssl reads from the certificate', () => {
    const facts = trust.parse(region.patient.der);
    const text = region.jpki
      .run('x509', '-in', region.patient.certFile, '-noout', '-serial', '-dates')
      .toString();
    expect(text).toContain(
      `serial=${Buffer.from(facts.serial).toString('hex').toUpperCase().replace(/^00/, '')}`,
    );
    expect(facts.notAfterMs).toBe(Date.UTC(2049, 0, 1));
    expect(facts.algorithm).toBe('rsa-2048');
    expect(facts.keyUsage).toEqual(['digitalSignature']);
    expect(facts.policies).toEqual([JPKI_POLICY]);
    expect(facts.healthcareRoles).toEqual([]);
  });

  test('keyId is the SHA-256 of the SubjectPublicKeyInfo that openssl writes', () => {
    region.jpki.run('x509', '-in', region.patient.certFile, '-noout', '-pubkey', '-out', 'key.pem');
    const spki = region.jpki.run('pkey', '-pubin', '-in', 'key.pem', '-outform', 'DER');
    expect(trust.parse(region.patient.der).keyId).toBe(createHash('sha256').update(spki).digest('hex'));
  });
});

describe('hcRole', () => {
  const coded = (title: string, tagging: 'EXP' | 'IMP'): string => `
2.5.29.9=ASN1:SEQUENCE:attributes
[attributes]
one=SEQUENCE:attribute
[attribute]
type=OID:1.0.17090.0.1
values=SET:values
[values]
data=SET:actors
[actors]
actor=SEQUENCE:actor
[actor]
coded=${tagging}:0,SET:coded
[coded]
scheme=${tagging}:0,OID:1.2.392.100495.1.6.1.1
title=${tagging}:2,UTF8:${title}
`;

  test.each(['EXP', 'IMP'] as const)('reads the title from %s tags', (tagging) => {
    const issued = region.hpkiIssuer.issue(`role-${tagging}`, {
      extensions: coded('Medical Doctor', tagging),
    });
    expect(trust.parse(issued.der).healthcareRoles).toEqual(['Medical Doctor']);
  });

  test('ignores a title of another coding scheme', () => {
    const foreign = coded('Medical Doctor', 'EXP').replace('1.2.392.100495.1.6.1.1', '1.2.3.4');
    const issued = region.hpkiIssuer.issue('role-foreign', { extensions: foreign });
    expect(trust.parse(issued.der).healthcareRoles).toEqual([]);
  });
});

describe('signatures', () => {
  const message = Buffer.from('SEKISHO-TAP-1 and what follows');

  function signDigest(issued: IssuedCertificate, digest: Uint8Array, hash: string): Uint8Array {
    writeFileSync(join(region.jpki.directory, 'digest'), digest);
    return region.jpki.run(
      ...['pkeyutl', '-sign', '-inkey', issued.keyFile, '-in', 'digest', '-pkeyopt', `digest:${hash}`],
    );
  }

  /** DER to r ‖ s, by the test's own hand. */
  function toRaw(der: Uint8Array, size: number): Uint8Array {
    const r = der.subarray(4, 4 + (der[3] ?? 0));
    const s = der.subarray(6 + r.length);
    const field = (value: Uint8Array): Buffer => Buffer.concat([Buffer.alloc(size), value]).subarray(-size);
    return Buffer.concat([field(r), field(s)]);
  }

  test('RSA over a digest that the card took as it was verifies over what was hashed', () => {
    const facts = trust.parse(region.patient.der);
    const signature = signDigest(region.patient, createHash('sha256').update(message).digest(), 'sha256');
    expect(trust.verifyMessage(facts, message, signature)).toBe(true);
    expect(trust.verifyMessage(facts, Buffer.from('x'), signature)).toBe(false);
    expect(trust.verifyMessage(facts, message, signature.subarray(1))).toBe(false);
    expect(trust.verifyMessage(facts, message, new Uint8Array(256).fill(0xff))).toBe(false);
    expect(trust.verifyMessage(facts, message, new Uint8Array(0))).toBe(false);
  });

  test.each([
    ['p-256', 'sha256', 32],
    ['p-384', 'sha384', 48],
  ] as const)('ECDSA %s verifies raw signatures, and DER ones not', (key, hash, size) => {
    const issued = region.jpki.issue(`signer-${key}`, { key });
    const facts = trust.parse(issued.der);
    const der = signDigest(issued, createHash(hash).update(message).digest(), hash);
    const raw = toRaw(der, size);
    expect(trust.verifyMessage(facts, message, raw)).toBe(true);
    expect(trust.verifyMessage(facts, message, der)).toBe(false);
    for (let at = 0; at < raw.length; at += 5) {
      const bent = Uint8Array.from(raw, (octet, index) => (index === at ? octet ^ 1 : octet));
      expect(trust.verifyMessage(facts, message, bent)).toBe(false);
    }
    for (const hollow of [new Uint8Array(2 * size), new Uint8Array(2 * size).fill(0xff), new Uint8Array(3)]) {
      expect(trust.verifyMessage(facts, message, hollow)).toBe(false);
    }
  });
});

describe('audit envelope', () => {
  test.each([
    ['RSA-OAEP', 'rsa-2048', 'keyEncipherment'],
    ['ECDH', 'p-256', 'keyAgreement'],
    ['ECDH', 'p-384', 'keyAgreement'],
  ] as const)('%s %s opens with openssl cms -decrypt', async (_, key, usage) => {
    const auditor = region.jpki.issue(`audit-${key}`, { key, extensions: `keyUsage=critical,${usage}` });
    const sealing = makeTrust({
      authorities: {
        'jpki-authentication': { anchors: [] },
        'hpki-authentication': { anchors: [] },
        'sam-device': { anchors: [] },
        'time-stamping': { anchors: [] },
      },
      auditCertificate: auditor.pem,
    });
    writeFileSync(join(region.jpki.directory, 'sealed.der'), await sealing.sealForAudit(region.patient.der));
    region.jpki.run(
      ...['cms', '-decrypt', '-binary', '-inform', 'DER', '-in', 'sealed.der', '-out', 'opened.der'],
      ...['-recip', auditor.certFile, '-inkey', auditor.keyFile],
    );
    expect(readFileSync(join(region.jpki.directory, 'opened.der')).equals(region.patient.der)).toBe(true);
  });
});

describe('bad input', () => {
  test('a pinned file that is not a certificate is a configuration error', () => {
    expect(codeOf(() => region.pin({ 'sam-device': { anchors: ['nonsense'] } }))).toBe('config.invalid');
  });

  test('every truncation of a certificate is card.protocol', () => {
    for (let length = 0; length < region.patient.der.length; length += 7) {
      expect(codeOf(() => trust.parse(region.patient.der.subarray(0, length)))).toBe('card.protocol');
    }
  });

  test('trailing bytes, padding and size are card.protocol', () => {
    expect(codeOf(() => trust.parse(Buffer.concat([region.patient.der, Buffer.alloc(1)])))).toBe(
      'card.protocol',
    );
    expect(codeOf(() => trust.parse(new Uint8Array(1_000_000)))).toBe('card.protocol');
    expect(codeOf(() => trust.parse(Uint8Array.of(...Array(2000).fill([0x30, 0x80]).flat())))).toBe(
      'card.protocol',
    );
  });

  test('random bytes and flipped bits never throw anything else', async () => {
    const flip = fc.record({
      at: fc.nat(region.patient.der.length - 1),
      mask: fc.integer({ min: 1, max: 255 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(flip, { minLength: 1, maxLength: 4 }), async (flips) => {
        const bent = Buffer.from(region.patient.der);
        for (const { at, mask } of flips) bent[at] = (bent[at] ?? 0) ^ mask;
        if (bent.equals(region.patient.der)) return;
        let facts: ReturnType<Trust['parse']>;
        try {
          facts = trust.parse(bent);
        } catch (thrown) {
          expect(isSekishoError(thrown, 'card.protocol')).toBe(true);
          return;
        }
        expect((await trust.validate(facts, 'jpki-authentication', NOW)).ok).toBe(false);
      }),
      { numRuns: 300 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(codeOf(() => trust.parse(bytes))).toBe('card.protocol');
      }),
      { numRuns: 200 },
    );
  });
});
