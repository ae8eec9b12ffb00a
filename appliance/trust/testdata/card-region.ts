/** The authorities that cards come from, made by openssl: two JPKI generations with one name, and HPKI with a level between. */
import type { PinnedAuthorities } from '../authority.ts';
import type { Trust, TrustPurpose } from '../ports.ts';
import { makeTrust } from '../x509.ts';
import { type IssuedCertificate, type OpensslAuthority, openFolder, openRoot } from './openssl-authority.ts';

export const JPKI_POLICY = '1.2.392.200149.8.5.1.3.30';
export const JPKI_DN = '/C=JP/O=JPKI-TEST/OU=JPKI for user authentication/OU=Test';

export const patientExtensions = (policy = JPKI_POLICY): string =>
  `keyUsage=critical,digitalSignature
extendedKeyUsage=clientAuth
certificatePolicies=critical,${policy}
authorityKeyIdentifier=keyid`;

export interface CardRegion {
  readonly directory: string;
  readonly oldJpki: OpensslAuthority;
  readonly jpki: OpensslAuthority;
  readonly hpkiRoot: OpensslAuthority;
  readonly hpkiIssuer: OpensslAuthority;
  readonly patient: IssuedCertificate;
  /** Trust in all of these, with some purposes pinned otherwise. */
  pin(overrides?: Partial<Record<TrustPurpose, PinnedAuthorities>>): Trust;
  remove(): void;
}

export function openCardRegion(): CardRegion {
  const { directory, remove } = openFolder();
  const oldJpki = openRoot(directory, 'jpki-2015', { subject: JPKI_DN, key: 'rsa-2048' });
  const jpki = openRoot(directory, 'jpki-2023', { subject: JPKI_DN, key: 'rsa-2048' });
  const hpkiRoot = openRoot(directory, 'hpki-root', { key: 'p-384' });
  const hpkiIssuer = hpkiRoot.issueAuthority('hpki-issuer');
  const patient = jpki.issue('patient', { key: 'rsa-2048', extensions: patientExtensions() });
  const auditor = jpki.issue('auditor', { extensions: 'keyUsage=critical,keyAgreement' });
  const pin = (overrides: Partial<Record<TrustPurpose, PinnedAuthorities>> = {}): Trust =>
    makeTrust({
      authorities: {
        'jpki-authentication': {
          anchors: [oldJpki.certificate.der, jpki.certificate.pem],
          acceptedPolicies: [JPKI_POLICY],
        },
        'hpki-authentication': {
          anchors: [hpkiRoot.certificate.der],
          intermediates: [hpkiIssuer.certificate.der],
        },
        'sam-device': { anchors: [jpki.certificate.der] },
        'time-stamping': { anchors: [] },
        ...overrides,
      },
      auditCertificate: auditor.der,
    });
  return { directory, oldJpki, jpki, hpkiRoot, hpkiIssuer, patient, pin, remove };
}
