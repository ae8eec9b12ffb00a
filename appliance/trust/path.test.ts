import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Trust } from './ports.ts';
import {
  type CardRegion,
  JPKI_DN,
  JPKI_POLICY,
  openCardRegion,
  patientExtensions,
} from './testdata/card-region.ts';
import { openRoot } from './testdata/openssl-authority.ts';

const NOW = Date.UTC(2026, 5, 1);
let region: CardRegion;
let trust: Trust;

beforeAll(() => {
  region = openCardRegion();
  trust = region.pin();
});

afterAll(() => region.remove());

describe('path', () => {
  test('finds the issuer by key among generations with one name', async () => {
    const result = await trust.validate(trust.parse(region.patient.der), 'jpki-authentication', NOW);
    expect(result.ok && Buffer.from(result.issuer.der).equals(region.jpki.certificate.der)).toBe(true);
  });

  test('finds the issuer by signature when there is no key identifier', async () => {
    const issued = region.oldJpki.issue('patient-without-aki', {
      extensions: `keyUsage=critical,digitalSignature\ncertificatePolicies=${JPKI_POLICY}`,
    });
    const result = await trust.validate(trust.parse(issued.der), 'jpki-authentication', NOW);
    expect(result.ok && Buffer.from(result.issuer.der).equals(region.oldJpki.certificate.der)).toBe(true);
  });

  test.each([
    ['expired', patientExtensions(), '20200101000000Z', '20250101000000Z'],
    ['not-yet-valid', patientExtensions(), '20300101000000Z', '20350101000000Z'],
    ['wrong-usage', patientExtensions('1.2.392.200149.8.5.1.1.20'), undefined, undefined],
    ['wrong-usage', `keyUsage=nonRepudiation\ncertificatePolicies=${JPKI_POLICY}`, undefined, undefined],
    ['wrong-usage', `extendedKeyUsage=serverAuth\ncertificatePolicies=${JPKI_POLICY}`, undefined, undefined],
    ['wrong-usage', `1.2.3.4=critical,DER:0500\ncertificatePolicies=${JPKI_POLICY}`, undefined, undefined],
    ['wrong-usage', `basicConstraints=CA:TRUE\ncertificatePolicies=${JPKI_POLICY}`, undefined, undefined],
  ])('names %s', async (reason, extensions, from, to) => {
    const issued = region.jpki.issue(
      `bad-${createHash('sha256')
        .update(extensions + from)
        .digest('hex')
        .slice(0, 8)}`,
      {
        extensions,
        ...(from && to ? { from, to } : {}),
      },
    );
    expect(await trust.validate(trust.parse(issued.der), 'jpki-authentication', NOW)).toEqual({
      ok: false,
      reason,
    });
  });

  test('refuses a certificate of a CA with the right name and another key', async () => {
    const forger = openRoot(region.directory, 'forger', { subject: JPKI_DN });
    const issued = forger.issue('forged', {
      extensions: `keyUsage=digitalSignature\ncertificatePolicies=${JPKI_POLICY}`,
    });
    const result = await trust.validate(trust.parse(issued.der), 'jpki-authentication', NOW);
    expect(result).toEqual({ ok: false, reason: 'untrusted' });
  });

  test('refuses a card certificate that plays CA', async () => {
    const issued = region.jpki.issue('leaf', { extensions: `certificatePolicies=${JPKI_POLICY}` });
    const below = openRoot(region.directory, 'leaf-as-ca', {});
    const impostor = Object.assign(below, { certificate: { ...issued } });
    const child = impostor.issue('child', {
      extensions: `keyUsage=digitalSignature\ncertificatePolicies=${JPKI_POLICY}`,
    });
    const all = region.pin({
      'jpki-authentication': { anchors: [region.jpki.certificate.der], intermediates: [issued.der] },
    });
    expect(await all.validate(all.parse(child.der), 'jpki-authentication', NOW)).toEqual({
      ok: false,
      reason: 'untrusted',
    });
  });

  test('climbs through a pinned HPKI intermediate, and not without it', async () => {
    const doctor = region.hpkiIssuer.issue('doctor', { key: 'rsa-2048' });
    const facts = trust.parse(doctor.der);
    const result = await trust.validate(facts, 'hpki-authentication', NOW);
    expect(result.ok && Buffer.from(result.issuer.der).equals(region.hpkiIssuer.certificate.der)).toBe(true);
    const bare = region.pin({ 'hpki-authentication': { anchors: [region.hpkiRoot.certificate.der] } });
    expect((await bare.validate(facts, 'hpki-authentication', NOW)).ok).toBe(false);
  });

  test('respects a path length of zero', async () => {
    const short = region.hpkiRoot.issueAuthority('short', 'basicConstraints=critical,CA:TRUE,pathlen:0');
    const middle = short.issueAuthority('middle');
    const leaf = middle.issue('too-deep');
    const set = region.pin({
      'hpki-authentication': {
        anchors: [region.hpkiRoot.certificate.der],
        intermediates: [short.certificate.der, middle.certificate.der],
      },
    });
    expect((await set.validate(set.parse(leaf.der), 'hpki-authentication', NOW)).ok).toBe(false);
    const direct = short.issue('just-right');
    expect((await set.validate(set.parse(direct.der), 'hpki-authentication', NOW)).ok).toBe(true);
  });

  test('trusts each anchor for its own purpose only', async () => {
    const result = await trust.validate(trust.parse(region.patient.der), 'hpki-authentication', NOW);
    expect(result).toEqual({ ok: false, reason: 'untrusted' });
  });
});
