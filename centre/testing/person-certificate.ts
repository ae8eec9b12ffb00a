/** The certificates of a person of the seed, for a key that a card of a test holds. */
import type { KeyObject } from 'node:crypto';
import type { CentrePki } from '../pki/authority.ts';
import { issueJpkiAuthentication, issueJpkiSigning } from '../pki/jpki.ts';
import type { Person } from '../seed/person.ts';

/** The authentication certificate on the person's card, DER; `position` picks an older one. */
export function issuePersonAuthentication(
  pki: CentrePki,
  person: Person,
  publicKey: KeyObject,
  position = person.certificates.length - 1,
): Buffer {
  const certificate = person.certificates[position];
  if (certificate === undefined) throw new RangeError(`${person.id} has no certificate ${position}`);
  return issueJpkiAuthentication(pki, {
    publicKey,
    serial: certificate.serial,
    generation: certificate.generation,
    notBeforeMs: Date.parse(certificate.notBefore),
    notAfterMs: Date.parse(certificate.notAfter),
  });
}

/** The signing certificate, DER; children have none. */
export function issuePersonSigning(pki: CentrePki, person: Person, publicKey: KeyObject): Buffer | undefined {
  const certificate = person.signingCertificate;
  if (certificate === undefined) return undefined;
  return issueJpkiSigning(pki, {
    publicKey,
    serial: certificate.serial,
    notBeforeMs: Date.parse(certificate.notBefore),
    notAfterMs: Date.parse(certificate.notAfter),
    name: person.name,
    address: person.address,
    locality: 'Mihon-shi',
    birthDate: person.birthDate,
    sex: person.sex,
  });
}
