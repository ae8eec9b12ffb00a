/** What a certificate must be fit for, by purpose. */
import type { UsageRule } from './path.ts';
import type { TrustPurpose } from './ports.ts';

const CLIENT_AUTHENTICATION = '1.3.6.1.5.5.7.3.2';
const TIME_STAMPING = '1.3.6.1.5.5.7.3.8';

const SIGNER = { keyUsage: ['digitalSignature'] } as const satisfies UsageRule;
const CARD_HOLDER: UsageRule = { ...SIGNER, extendedKeyUsage: { oid: CLIENT_AUTHENTICATION, only: false } };

export const USAGE_RULES: Readonly<Record<TrustPurpose, UsageRule>> = {
  'jpki-authentication': CARD_HOLDER,
  'hpki-authentication': CARD_HOLDER,
  'sam-device': SIGNER,
  'time-stamping': {
    keyUsage: ['digitalSignature', 'nonRepudiation'],
    extendedKeyUsage: { oid: TIME_STAMPING, only: true },
  },
};
