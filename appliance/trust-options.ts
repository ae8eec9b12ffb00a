/** What the configuration pins, in the form that `appliance/trust` takes. */
import { readFileSync } from 'node:fs';
import type { Config } from '#config/schema.ts';
import type { TrustOptions } from '#trust/x509.ts';

/**
 * Certificate policies of the 利用者証明用 certificate: plastic card in production, the JPKI test hierarchy otherwise.
 * A test card must not open a production counter, and the other way round.
 */
const JPKI_AUTHENTICATION_POLICIES = {
  production: ['1.2.392.200149.8.5.1.3.30'],
  development: ['1.2.392.200149.8.5.1.0.30'],
} as const;

export function trustOptions(config: Config): TrustOptions {
  const pem = (path: string): string => readFileSync(path, 'utf8');
  const { trust, centre, profile } = config;
  return {
    authorities: {
      'jpki-authentication': {
        anchors: [pem(trust.jpkiAnchorsPath)],
        acceptedPolicies: JPKI_AUTHENTICATION_POLICIES[profile],
      },
      'hpki-authentication': { anchors: [pem(trust.hpkiAnchorsPath)] },
      'sam-device': { anchors: [pem(trust.samDeviceAnchorsPath)] },
      'time-stamping': { anchors: [pem(trust.timeStampAnchorsPath)] },
    },
    auditCertificate: pem(centre.auditCertificatePath),
  };
}
