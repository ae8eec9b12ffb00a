/** Everything a new appliance needs from the centre, in one step: certificates, registration, organisation keys. */
import type { KeyObject } from 'node:crypto';
import type { CentreParts } from './parts.ts';
import { exportSpki } from './pki/certificate.ts';
import { encodePem } from './pki/key-folder.ts';
import { issueOrganisationCertificate } from './pki/organisation-certificate.ts';
import { issueSamDevice, issueTlsClient } from './pki/role-certificate.ts';

export interface EnrolmentRequest {
  readonly institutionCode: string;
  /** 16 lower-case hex digits. */
  readonly samId: string;
  /** P-256, made inside the SAM. */
  readonly devicePublicKey: KeyObject;
  /** Of the appliance's TLS client key, EC or RSA. */
  readonly tlsPublicKey: KeyObject;
  /** RSA-2048 and P-384 organisation keys, one per suite. */
  readonly organisationPublicKeys: readonly KeyObject[];
  /** Last month of the organisation certificates. */
  readonly organisationExpires?: { readonly year: number; readonly month: number };
  readonly networkIds: readonly string[];
  readonly maxUses: number;
  /** 0 = no limit. */
  readonly maxTicks: number;
}

export interface Enrolment {
  /** DGI 0104. */
  readonly deviceCertificate: Buffer;
  /** DGI 0130 / 0131, in the order of the keys. */
  readonly organisationCertificates: readonly Buffer[];
  /** DGI 0105, SubjectPublicKeyInfo. */
  readonly serviceProviderPublicKey: Buffer;
  /** PEM. */
  readonly tlsCertificate: string;
}

export function enrolAppliance(
  parts: Pick<CentreParts, 'pki' | 'administration'>,
  request: EnrolmentRequest,
): Enrolment {
  const { pki, administration } = parts;
  const { institutionCode, samId, networkIds, maxUses, maxTicks, organisationExpires: expires } = request;
  const deviceCertificate = issueSamDevice(pki, { samId, publicKey: request.devicePublicKey });
  administration.registerDevice({ deviceCertificate, institutionCode, networkIds, maxUses, maxTicks });
  return {
    deviceCertificate,
    organisationCertificates: request.organisationPublicKeys.map((publicKey) =>
      issueOrganisationCertificate(pki, {
        publicKey,
        institutionCode,
        ...(expires === undefined ? {} : { expires }),
      }),
    ),
    serviceProviderPublicKey: exportSpki(pki.serviceProviderPublicKey),
    tlsCertificate: encodePem(issueTlsClient(pki, { institutionCode, publicKey: request.tlsPublicKey })),
  };
}
