import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isSekishoError } from '#contract/errors.ts';
import { lookUpCrl, verifyCrl } from './crl.ts';
import type { FreshnessPolicy } from './freshness.ts';
import { buildOcspRequest, verifyOcspResponse } from './ocsp.ts';
import {
  type IssuedCertificate,
  type OpensslAuthority,
  openFolder,
  openRoot,
} from './testdata/openssl-authority.ts';

const HOUR = 3_600_000;
const folder = openFolder();
let ca: OpensslAuthority;
let responder: IssuedCertificate;
let good: IssuedCertificate;
let held: IssuedCertificate;

/** openssl stamps its answers with the machine's clock, so the tests judge at that same time. */
const policy = (shiftMs = 0): FreshnessPolicy => ({
  nowMs: Date.now() + shiftMs,
  maxAgeMs: 24 * HOUR,
  clockSkewMs: 60_000,
});
const nonce = Uint8Array.from({ length: 16 }, (_, index) => 0x80 + index);

function ask(certificate: IssuedCertificate, overrides: { nonce?: Uint8Array } = {}) {
  return { certificate: certificate.der, issuer: ca.certificate.der, nonce, ...overrides };
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (thrown) {
    return isSekishoError(thrown) ? thrown.code : String(thrown);
  }
  return 'nothing thrown';
}

beforeAll(() => {
  ca = openRoot(folder.directory, 'jpki', { key: 'rsa-2048' });
  responder = ca.issue('responder', {
    extensions: 'keyUsage=digitalSignature\nextendedKeyUsage=OCSPSigning',
  });
  good = ca.issue('good');
  held = ca.issue('held');
  ca.revoke(held, 'certificateHold');
});

afterAll(() => folder.remove());

describe('OCSP request', () => {
  test.each(['sha1', 'sha256'] as const)('with %s CertID is what openssl reads', (hash) => {
    writeFileSync(join(ca.directory, 'asked.der'), buildOcspRequest(ask(good), hash));
    const text = ca.run('ocsp', '-reqin', 'asked.der', '-req_text').toString();
    expect(text).toContain(`Hash Algorithm: ${hash}`);
    expect(text).toContain('OCSP Nonce');
    expect(text.replace(/[\s:]/g, '').toLowerCase()).toContain(`0410${Buffer.from(nonce).toString('hex')}`);
  });
});

describe('OCSP response of openssl', () => {
  test.each(['sha1', 'sha256'] as const)('good, %s CertID', (hash) => {
    const answer = ca.ocsp(buildOcspRequest(ask(good), hash), responder);
    expect(verifyOcspResponse(answer, ask(good), policy())).toEqual({ status: 'good' });
  });

  test('held, with the time of the revocation', () => {
    const status = verifyOcspResponse(ca.ocsp(buildOcspRequest(ask(held)), responder), ask(held), policy());
    expect(status).toMatchObject({ status: 'revoked', reason: 'hold' });
    expect(status.status === 'revoked' && Math.abs(status.revokedAtMs - Date.now()) < HOUR).toBe(true);
  });

  test.each([
    ['affiliationChanged', 'affiliation-changed'],
    ['superseded', 'superseded'],
    ['cessationOfOperation', 'cessation'],
    ['keyCompromise', 'key-compromise'],
    ['unspecified', 'other'],
  ])('%s is %s by OCSP and by CRL', (opensslReason, reason) => {
    const issued = ca.issue(`revoked-${reason}`);
    ca.revoke(issued, opensslReason);
    const answer = ca.ocsp(buildOcspRequest(ask(issued)), responder);
    expect(verifyOcspResponse(answer, ask(issued), policy())).toMatchObject({ status: 'revoked', reason });
    const crl = verifyCrl(ca.crl(), ca.certificate.der);
    expect(lookUpCrl(crl, issued.der, policy())).toMatchObject({ status: 'revoked', reason });
  });

  test('signed by the issuer itself, and named by key', () => {
    expect(
      verifyOcspResponse(ca.ocsp(buildOcspRequest(ask(good)), ca.certificate), ask(good), policy()).status,
    ).toBe('good');
    const byKey = ca.ocsp(buildOcspRequest(ask(good)), responder, '-resp_key_id', '-nmin', '5');
    expect(verifyOcspResponse(byKey, ask(good), policy()).status).toBe('good');
  });

  test('a certificate that the responder does not know is unknown', () => {
    const stranger = openRoot(folder.directory, 'same-key', {}).issue('stranger', {});
    const question = { certificate: stranger.der, issuer: ca.certificate.der, nonce };
    const answer = ca.ocsp(buildOcspRequest(question), responder);
    expect(codeOf(() => verifyOcspResponse(answer, question, policy()))).toBe('revocation.unknown');
  });

  test('wrong nonce, other certificate, stale and future answers are refused', () => {
    const answer = ca.ocsp(buildOcspRequest(ask(good)), responder);
    const other = ask(good, { nonce: new Uint8Array(16) });
    expect(codeOf(() => verifyOcspResponse(answer, other, policy()))).toBe('centre.untrusted');
    expect(codeOf(() => verifyOcspResponse(answer, ask(held), policy()))).toBe('centre.garbled');
    expect(codeOf(() => verifyOcspResponse(answer, ask(good), policy(HOUR)))).toBe('revocation.unknown');
    expect(codeOf(() => verifyOcspResponse(answer, ask(good), policy(-HOUR)))).toBe('revocation.unknown');
    const long = ca.ocsp(buildOcspRequest(ask(good)), responder, '-ndays', '30');
    expect(codeOf(() => verifyOcspResponse(long, ask(good), policy(25 * HOUR)))).toBe('revocation.unknown');
  });

  test('an answer without a nonce is refused', () => {
    ca.run(
      'ocsp',
      '-issuer',
      ca.certificate.certFile,
      '-cert',
      good.certFile,
      '-no_nonce',
      '-reqout',
      'bare.der',
    );
    const answer = ca.ocsp(readFileSync(join(ca.directory, 'bare.der')), responder);
    expect(codeOf(() => verifyOcspResponse(answer, ask(good), policy()))).toBe('centre.untrusted');
  });

  test.each([
    ['a certificate without OCSPSigning', 'keyUsage=digitalSignature'],
    ['a certificate for something else', 'extendedKeyUsage=clientAuth'],
  ])('a signer with %s is refused', (_, extensions) => {
    const signer = ca.issue(`signer-${extensions.length}`, { extensions });
    const answer = ca.ocsp(buildOcspRequest(ask(good)), signer);
    expect(codeOf(() => verifyOcspResponse(answer, ask(good), policy()))).toBe('centre.untrusted');
  });

  test('an expired responder and a responder of another CA are refused', () => {
    const extensions = 'extendedKeyUsage=OCSPSigning';
    const expired = ca.issue('expired-responder', {
      extensions,
      from: '20200101000000Z',
      to: '20210101000000Z',
    });
    const foreign = openRoot(folder.directory, 'foreign', {}).issue('foreign-responder', { extensions });
    for (const signer of [expired, foreign]) {
      const answer = ca.ocsp(buildOcspRequest(ask(good)), signer);
      expect(codeOf(() => verifyOcspResponse(answer, ask(good), policy()))).toBe('centre.untrusted');
    }
  });

  test('an error status is unknown, not good', () => {
    const tryLater = Uint8Array.of(0x30, 0x03, 0x0a, 0x01, 0x03);
    expect(codeOf(() => verifyOcspResponse(tryLater, ask(good), policy()))).toBe('revocation.unknown');
  });

  test('truncated, bent and random answers give typed errors only, and never "good"', () => {
    const answer = ca.ocsp(buildOcspRequest(ask(good)), responder);
    const typed = ['centre.garbled', 'centre.untrusted', 'revocation.unknown'];
    for (let length = 0; length < answer.length; length += 41) {
      expect(codeOf(() => verifyOcspResponse(answer.subarray(0, length), ask(good), policy()))).toBe(
        'centre.garbled',
      );
    }
    fc.assert(
      fc.property(fc.nat(answer.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const bent = Buffer.from(answer);
        bent[at] = (bent[at] ?? 0) ^ mask;
        const code = codeOf(() => verifyOcspResponse(bent, ask(good), policy()));
        // Only the included certificates are outside the signature, and a spoilt one is never needed twice.
        expect(typed).toContain(code);
      }),
      { numRuns: 150 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(typed).toContain(codeOf(() => verifyOcspResponse(bytes, ask(good), policy())));
      }),
    );
    expect(codeOf(() => verifyOcspResponse(new Uint8Array(1_000_000), ask(good), policy()))).toBe(
      'centre.garbled',
    );
  });
});

describe('CRL of openssl', () => {
  test('knows the good from the held', () => {
    const crl = verifyCrl(ca.crl(), ca.certificate.der);
    expect(lookUpCrl(crl, good.der, policy())).toEqual({ status: 'good' });
    expect(lookUpCrl(crl, held.der, policy())).toMatchObject({ status: 'revoked', reason: 'hold' });
  });

  test('an empty list is a list', () => {
    const fresh = openRoot(folder.directory, 'fresh', {});
    const crl = verifyCrl(fresh.crl(), fresh.certificate.der);
    expect(crl.entries.size).toBe(0);
  });

  test('stale lists are refused when asked', () => {
    const crl = verifyCrl(ca.crl(), ca.certificate.der);
    expect(codeOf(() => lookUpCrl(crl, good.der, policy(8 * 24 * HOUR)))).toBe('revocation.unknown');
    expect(codeOf(() => lookUpCrl(crl, good.der, policy(25 * HOUR)))).toBe('revocation.unknown');
  });

  test('a list of another issuer is refused', () => {
    const other = openRoot(folder.directory, 'other', {});
    expect(codeOf(() => verifyCrl(other.crl(), ca.certificate.der))).toBe('centre.untrusted');
  });

  test('truncated, bent and random lists give typed errors only', () => {
    const list = ca.crl();
    for (let length = 0; length < list.length; length += 41) {
      expect(codeOf(() => verifyCrl(list.subarray(0, length), ca.certificate.der))).toBe('centre.garbled');
    }
    fc.assert(
      fc.property(fc.nat(list.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const bent = Buffer.from(list);
        bent[at] = (bent[at] ?? 0) ^ mask;
        const code = codeOf(() => verifyCrl(bent, ca.certificate.der));
        expect(['centre.garbled', 'centre.untrusted']).toContain(code);
      }),
      { numRuns: 100 },
    );
  });

  test('covers a partition only for certificates that point to it', () => {
    const distribution = (name: string): string => `crlDistributionPoints=here
[here]
fullname=dirName:name
[name]
O=JPKI-TEST
CN=${name}
`;
    const inside = ca.issue('inside', { extensions: distribution('Mnt 13101') });
    const outside = ca.issue('outside', { extensions: distribution('Mnt 13102') });
    appendFileSync(
      join(ca.directory, 'ca.cnf'),
      `[list]\nissuingDistributionPoint=critical,@idp\n[idp]\nfullname=dirName:name\nonlyuser=TRUE\n[name]\nO=JPKI-TEST\nCN=Mnt 13101\n`,
    );
    const list = ca.crl('-crlexts', 'list');
    const crl = verifyCrl(list, ca.certificate.der);
    expect(lookUpCrl(crl, inside.der, policy())).toEqual({ status: 'good' });
    expect(codeOf(() => lookUpCrl(crl, outside.der, policy()))).toBe('revocation.unknown');
    expect(codeOf(() => lookUpCrl(crl, good.der, policy()))).toBe('revocation.unknown');
  });
});
