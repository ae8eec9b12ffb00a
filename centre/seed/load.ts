/** Puts people where the region keeps them: links and qualifications at the platform, endings at the authorities. */
import type { EligibilityStore } from '../eligibility/store.ts';
import type { CentrePki } from '../pki/authority.ts';
import type { RevocationRegister } from '../pki/revocation-register.ts';
import { dayStartMs } from './calendar.ts';
import type { Person, PersonCertificate } from './person.ts';

export interface SeedTarget {
  readonly pki: CentrePki;
  readonly eligibility: EligibilityStore;
  readonly revocations: RevocationRegister;
}

/** May run again: it brings the people back to their first state and leaves everybody else alone. */
export function loadSeed(target: SeedTarget, people: readonly Person[]): void {
  target.eligibility.batch(() => {
    for (const person of people) loadQualifications(target, person);
  });
  target.revocations.batch(() => {
    for (const person of people) loadRevocations(target, person);
  });
}

const issuerOf = ({ pki }: SeedTarget, certificate: PersonCertificate): string =>
  pki.jpkiAuthentication[certificate.generation].certificate.keyId;

function loadQualifications(target: SeedTarget, person: Person): void {
  for (const certificate of person.certificates.filter(({ linked }) => linked)) {
    const serial = Buffer.from(certificate.serial, 'hex');
    target.eligibility.linkCertificate(issuerOf(target, certificate), serial, person.id);
  }
  const since = person.qualifications.map(({ qualification }) => qualification.QualificationDate).sort();
  const changedAtMs = since.length === 0 ? 0 : dayStartMs(since.at(-1) ?? '');
  target.eligibility.replaceQualifications(person.id, person.qualifications, changedAtMs);
}

function loadRevocations(target: SeedTarget, person: Person): void {
  const ends = person.certificates.map((certificate) => ({
    certificate,
    issuer: issuerOf(target, certificate),
  }));
  const signing = person.signingCertificate;
  if (signing !== undefined) {
    ends.push({ certificate: signing, issuer: target.pki.jpkiSigning.certificate.keyId });
  }
  for (const { certificate, issuer } of ends) {
    const { serial, status, revokedAt } = certificate;
    if (status === 'good' || revokedAt === undefined) continue;
    target.revocations.revoke(issuer, Buffer.from(serial, 'hex'), status, Date.parse(revokedAt));
  }
}
