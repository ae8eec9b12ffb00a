import { createHash, createPublicKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { hasValidCheckDigit } from '../eligibility/check-digit.ts';
import { openCentreParts } from '../parts.ts';
import { generatePrivateKey } from '../pki/algorithm.ts';
import { issuePersonAuthentication, issuePersonSigning } from '../testing/person-certificate.ts';
import { sharedRsaKey } from '../testing/rsa-keys.ts';
import { EDGE_CASES } from './edge-case.ts';
import { loadSeed } from './load.ts';
import { createPeople } from './people.ts';
import { openPeople } from './people-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'centre-seed-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const AS_OF = '20260601';
const NOW = Date.UTC(2026, 5, 1, 3);
const people = createPeople({ asOf: AS_OF });

test('a thousand people, the same every time', () => {
  expect(people).toHaveLength(1_000);
  expect(people[0]?.id).toBe('P0001');
  expect(people.at(-1)?.id).toBe('P1000');
  expect(createPeople({ asOf: AS_OF, count: 50 })).toEqual(people.slice(0, 50));
  const digest = createHash('sha256').update(JSON.stringify(people)).digest('hex');
  expect(
    createHash('sha256')
      .update(JSON.stringify(createPeople({ asOf: AS_OF })))
      .digest('hex'),
  ).toBe(digest);
});

test('serials are unique and numbers carry valid check digits of a prefecture that does not exist', () => {
  const serials = people.flatMap(({ certificates, signingCertificate }) =>
    [...certificates, ...(signingCertificate === undefined ? [] : [signingCertificate])].map(
      ({ serial }) => serial,
    ),
  );
  expect(new Set(serials).size).toBe(serials.length);
  const qualifications = people.flatMap((person) =>
    person.qualifications.map(({ qualification }) => qualification),
  );
  for (const { InsurerNumber, InsuredIdentificationNumber, InsuredCardSymbol } of qualifications) {
    const number = InsurerNumber.trim();
    expect(hasValidCheckDigit(number), number).toBe(true);
    expect(number.slice(-6, -4)).toBe('99');
    if (number.startsWith('39') && number.length === 8) {
      expect(hasValidCheckDigit(InsuredIdentificationNumber)).toBe(true);
      expect(InsuredCardSymbol).toBeUndefined();
    }
  }
  const keys = qualifications.map((q) =>
    [q.InsurerNumber, q.InsuredCardSymbol, q.InsuredIdentificationNumber].join('/'),
  );
  expect(new Set(keys).size).toBe(keys.length);
});

test('ordinary people are valid for at least three months; edge cases are what they say', () => {
  const soon = NOW + 90 * 86_400_000;
  for (const person of people.slice(EDGE_CASES.length)) {
    const certificate = person.certificates[0]!;
    expect(certificate.status).toBe('good');
    expect(Date.parse(certificate.notBefore)).toBeLessThan(NOW);
    expect(Date.parse(certificate.notAfter)).toBeGreaterThan(soon);
    expect(Number(person.birthDate)).toBeLessThan(Number(AS_OF));
    expect(certificate.notBefore.slice(0, 10).replaceAll('-', '') >= person.birthDate).toBe(true);
  }
  const end = (edgeCase: string): number =>
    Date.parse(people.find((person) => person.edgeCase === edgeCase)!.certificates.at(-1)!.notAfter);
  expect(end('certificate expired')).toBeLessThan(NOW);
  expect(end('certificate ends within 90 days')).toBeGreaterThan(NOW);
  expect(end('certificate ends within 90 days')).toBeLessThan(soon);
  expect(people[15]?.signingCertificate).toBeUndefined();
  const statuses = new Set(
    people.slice(0, EDGE_CASES.length).flatMap((person) => person.certificates.map(({ status }) => status)),
  );
  expect([...statuses].sort()).toEqual([
    'affiliationChanged',
    'certificateHold',
    'cessationOfOperation',
    'good',
    'keyCompromise',
    'superseded',
    'unspecified',
  ]);
});

test('a seed made on any day of a year is well formed', () => {
  for (const asOf of ['20280229', '20261231', '20270101', '20260301']) {
    expect(createPeople({ asOf, count: 40 })).toHaveLength(40);
  }
});

test('the file keeps the people of the first day', () => {
  const first = openPeople(folder, { asOf: AS_OF, count: 5 });
  expect(openPeople(folder, { asOf: '20300101', count: 9 })).toEqual(first);
});

test('loading twice changes nothing, and certificates carry the seeded serial and dates', () => {
  const parts = openCentreParts({ folder: join(folder, 'centre'), nowMs: () => NOW, rsaKey: sharedRsaKey });
  loadSeed(parts, people);
  const revision = parts.revocations.revision();
  loadSeed(parts, people);
  expect(parts.revocations.revision()).toBe(revision);
  const person = people[26]!;
  const key = createPublicKey(generatePrivateKey('p-384'));
  const certificate = new X509Certificate(issuePersonAuthentication(parts.pki, person, key));
  expect(certificate.serialNumber.toLowerCase()).toBe(person.certificates[0]?.serial);
  expect(new Date(certificate.validTo).toISOString()).toBe(person.certificates[0]?.notAfter);
  expect(certificate.verify(createPublicKey(parts.pki.jpkiAuthentication.p384.key))).toBe(true);
  const signing = new X509Certificate(issuePersonSigning(parts.pki, person, key)!);
  expect(signing.verify(createPublicKey(parts.pki.jpkiSigning.key))).toBe(true);
  expect(issuePersonSigning(parts.pki, people[15]!, key)).toBeUndefined();
  parts.close();
});
